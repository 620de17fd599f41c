"""Forms are asked in the first language of the EHR in which there are words that may be used."""

import re
from collections.abc import Callable

import pytest
from markupsafe import escape

from fhir_alliance.errors import InvalidSettings
from smart_app.demo.site import Site

from .house import CORE, House

MakeHouse = Callable[..., House]
WHO = "instruments.reviewed_by names who has"


def speaking(languages: str, *reviewed: str) -> Callable[[Site], None]:
    """Return what lets an EHR offer some languages, and names who has reviewed translations."""

    def change(site: Site) -> None:
        names = "".join(f'"{each}" = "Dr. Eva Muster"\n' for each in reviewed)
        text = site.settings.read_text("utf-8").replace("allow_private", f"languages = {languages}\nallow_private")
        text = text.replace("[ehr.harbor]\n", f"[instruments.reviewed_by]\n{names}\n[ehr.harbor]\n", 1)
        site.settings.write_text(text, "utf-8")

    return change


def test_a_reviewed_translation_is_asked_first(make_house: MakeHouse) -> None:
    """Questions and answers are in French, and the chart says so; the page's own words, and GAD-7, stay English."""
    house = make_house(change=speaking('["fr", "en"]', "visit-check-in-1.0.0.de", "visit-check-in-1.0.0.fr"))
    words = house.services.catalogue.instrument("visit-check-in").wordings["fr"]
    person, form = house.handed()
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    key = person.submit(review, review.form("/send")).url.rpartition("/")[2]
    _, english = house.handed(form="gad-7/all")

    house.deliver()

    responses, _ = house.written(key)
    assert escape(words.items["1"]["patient"]) in form.text
    assert escape(words.items["1"]["patient"]) in review.text
    assert '<html lang="en" dir="ltr">' in form.text
    assert '<section class="sheet" lang="fr" dir="auto">' in form.text
    assert '<ol class="answers" lang="fr" dir="auto">' in review.text
    assert responses[0]["language"] == "fr"
    assert responses[0]["item"][0]["item"][0]["text"] == words.items["1"]["patient"]
    assert 'lang="fr"' not in english.text


def test_a_heading_is_in_one_language(make_house: MakeHouse) -> None:
    """Above questions in German, on an English page, the day of the visit is said in German, too."""
    house = make_house(change=speaking('["de", "en"]', "visit-check-in-1.0.0.de"))

    _, form = house.handed()

    heading = re.sub(r"<[^>]+>", "", form.text.partition("<h1")[2].partition(">")[2].partition("</h1>")[0])
    assert '<html lang="en"' in form.text
    assert re.fullmatch(r"Wie war Ihre Sitzung am (Mo|Di|Mi|Do|Fr|Sa|So)\.?, \d+\. \w+\.?\?", heading)


def test_english_that_was_chosen_goes_before_the_languages_of_the_ehr(make_house: MakeHouse) -> None:
    """Who says English gets the questions in it, and the chart says so, where the EHR's own language is French."""
    house = make_house(change=speaking('["fr", "en"]', "visit-check-in-1.0.0.fr"))
    words = house.services.catalogue.instrument("visit-check-in").wordings["en"]
    person, french = house.handed()
    form = person.open(f"{french.url}?language=en")
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    key = person.submit(review, review.form("/send")).url.rpartition("/")[2]

    house.deliver()

    responses, _ = house.written(key)
    assert 'lang="fr"' in french.text
    assert 'lang="fr"' not in form.text
    assert escape(words.items["1"]["patient"]) in review.text
    assert responses[0]["language"] == "en"


def test_unknown_and_unreviewed_languages_are_faults(make_house: MakeHouse) -> None:
    """The app does not start; every language in which nobody may be asked is named, with what to do."""
    with pytest.raises(InvalidSettings) as caught:
        make_house(change=speaking('["en", "es", "xx"]', "visit-check-in-1.0.0.de"))

    assert caught.value.faults == (
        "ehr.harbor.languages: es: nobody has reviewed visit-check-in-1.0.0.es, or it may not be used any more; " + WHO,
        "ehr.harbor.languages: xx: no form that is asked here has words in it",
    )
