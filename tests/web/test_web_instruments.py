"""A site asks the instruments it chose: one at each visit, others on request, none that it may not use."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from fhir_alliance.errors import InvalidSettings, NotReady
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import InstrumentSettings
from smart_app.demo.browser import Page
from smart_app.demo.site import Site
from smart_app.web.asked import check_instruments, instrument_in_use, on_request
from tests.packs import wai_b3_in_german, wai_sr

from .house import House, Person

MakeHouse = Callable[..., House]

# Words of our own stand in for licensed ones: only their shape matters.
SRS = """\
instrument: srs
version: 1.0.0
language: en
provenance: {author: tests, method: original}
copyright: "© the owner, used with permission"
anchors: {minimum: not at all, maximum: completely}
item_anchors: {"4": {minimum: a lost hour, maximum: a good hour}}
sections: {all: Today}
forms: {all: four lines}
raters: {patient: patient}
instructions: {patient: Mark each line.}
items:
  "1": {patient: Being heard}
  "2": {patient: What we worked on}
  "3": {patient: How we worked}
  "4": {patient: Today as a whole}
licence: {holder: the owner, reference: Letter 18, expires: EXPIRES, modes: [screen], item_text_in_ehr: true}
"""


def asking(instruments: str, expires: str = "2099-12-31") -> Callable[[Site], None]:
    """Return what writes a site's choice of instruments, with the packs beside it."""

    def change(site: Site) -> None:
        folder = site.settings.parent / "wording"
        folder.mkdir()
        (folder / "wai-sr.en.yaml").write_text(wai_sr(expires=expires), "utf-8")
        (folder / "wai-b3.de.yaml").write_text(wai_b3_in_german(), "utf-8")
        (folder / "srs.en.yaml").write_text(SRS.replace("EXPIRES", expires), "utf-8")
        text = site.settings.read_text("utf-8")
        before, _, after = text.partition("[instruments]")
        site.settings.write_text(
            f'wording_folder = "wording"\n{before}[instruments]\n{instruments}\n[ehr.harbor]\n'
            + after.partition("[ehr.harbor]\n")[2],
            "utf-8",
        )

    return change


def answered(person: Person, form: Page, **fields: str) -> Page:
    """Return the answers for review."""
    return person.submit(form, form.form("/form"), **fields, action="review")


def sent(person: Person, review: Page) -> str:
    """Send reviewed answers and return their key."""
    return person.submit(review, review.form("/send")).url.rpartition("/")[2]


def test_a_form_on_request(house: House) -> None:
    """The clinician hands another instrument over; its answers are scored and stand in the chart beside the rest."""
    _, chart = house.clinician()
    person, form = house.handed(form="gad-7/all")
    review = answered(person, form, **{str(item): "several-days" for item in range(1, 8)})
    key = sent(person, review)

    house.deliver()

    responses, observations = house.written(key)
    assert 'value="gad-7/all"' in chart.text
    assert "About the visit" not in review.text
    assert "Copyright © Pfizer Inc." in form.text
    assert observations["gad-7-total"]["valueQuantity"]["value"] == 7
    assert responses[0]["questionnaire"].endswith("/gad-7-patient-all|1.0.0")


def test_outcomes_of_the_record_stand_beside(house: House) -> None:
    """What the record holds of PHQ-9 and GAD-7, asked here or not, is shown beside the alliance."""
    _, chart = house.clinician()

    beside = chart.text.partition("Also in the record, newest")[2].partition("</table>")[0]
    assert 'PHQ-9 <span class="soft">0 to 27</span>' in beside
    assert 'GAD-7 <span class="soft">0 to 21</span>' in beside


@pytest.mark.parametrize("form", ["wai-sr/all", "gad-7/none", "gad-7", "visit-check-in/core"])
def test_only_offered_forms_are_handed_over(house: House, form: str) -> None:
    """What was not offered, whatever its name, is no form."""
    clinician, chart = house.clinician()

    page = clinician.submit(chart, chart.form("/handover"), form=form)

    assert page.status == 400


def test_a_licensed_instrument_at_each_visit(make_house: MakeHouse) -> None:
    """With a site's words the WAI-SR is asked and shown as the visit check-in is; its items stay out of the EHR."""
    house = make_house(change=asking('each_visit = "wai-sr"'))
    person, form = house.handed(form="all")
    key = sent(person, answered(person, form, **{str(item): "4" for item in range(1, 12)}))
    house.deliver()

    _, chart = house.clinician()

    responses, observations = house.written(key)
    assert "Fairly often" in form.text
    assert "© the holder, used with permission" in form.text
    assert "Placeholder" in form.text
    assert "Placeholder" not in str(responses)
    assert "Our work" not in str(responses)
    assert observations["wai-sr-total"]["valueQuantity"]["value"] == 48
    assert "Last answer" in chart.text
    assert "48.0" in chart.text
    assert "Rate as" not in chart.text


def test_lines_are_marked_and_scored(make_house: MakeHouse) -> None:
    """A form of visual analogue lines takes numbers with one decimal, shows them for review, and is scored."""
    house = make_house(change=asking('on_request = ["srs"]'))
    person, form = house.handed(form="srs/all")

    wrong = answered(person, form, **{"1": "11", "2": "9,5"})
    key = sent(person, answered(person, wrong, **{"1": "8.5", "2": "9,5", "3": "10", "4": "6"}))
    house.deliver()

    responses, observations = house.written(key)
    assert "Please give a number from 0 to 10, with at most 1 decimals." in wrong.text
    assert 'value="11"' in wrong.text
    assert 'value="9.5"' in wrong.text
    assert "a good hour" in form.text
    assert observations["srs-total"]["valueQuantity"]["value"] == 34
    answers = [item["answer"][0]["valueDecimal"] for item in responses[0]["item"][0]["item"]]
    assert answers == [8.5, 9.5, 10, 6]


def test_a_licence_that_ends(make_house: MakeHouse) -> None:
    """While the app runs a licence may end: from the next day on its form is neither offered nor asked."""
    house = make_house(change=asking('on_request = ["srs"]\neach_visit = "wai-sr"'))
    _, chart = house.clinician()

    house.ahead = timedelta(days=100 * 366)

    with house.app.app_context():
        offered = on_request()
        with pytest.raises(NotReady, match="licence Letter 17 of The holder ended on 2099-12-31"):
            instrument_in_use()
    assert 'value="srs/all"' in chart.text
    assert offered == ()


FAULTS = [
    ('each_visit = "wai-s"', "wai-s 1.0.0 cannot be used (draft)"),
    ('on_request = ["haq-ii", "nothing"]', "haq-ii 1.0.0 cannot be used (draft)"),
    ('on_request = ["haq-ii", "nothing"]', "no instrument nothing is installed"),
    ('on_request = ["arm-5"]', "arm-5 1.0.0 cannot be used (needs wording)"),
    ('on_request = ["gad-7", "gad-7"]', "on_request names an instrument twice"),
    ('on_request = ["visit-check-in"]', "on_request names an instrument twice, or the one of each visit"),
    ('on_request = ["wai-b3"]', "wai-b3 has no words in en, the language of the pages"),
    ('[instruments.reviewed_by]\n"visit-check-in-9.0.0.de" = "Dr. Who"', "names no words that are installed"),
]


@pytest.mark.parametrize(("instruments", "reason"), FAULTS)
def test_what_may_not_be_asked_stops_the_start(make_house: MakeHouse, instruments: str, reason: str) -> None:
    """The app does not start with an instrument that nobody may be asked, and says which and why."""
    with pytest.raises(InvalidSettings) as raised:
        make_house(change=asking(instruments))

    assert any(reason in fault for fault in raised.value.faults)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda it: replace(it, scales=()), "visit-check-in has no score that could be shown over time"),
        (lambda it: replace(it, forms=tuple(it.forms_of(Rater.THERAPIST))), "visit-check-in has no form for patients"),
    ],
)
def test_what_cannot_be_shown_or_asked_stops_the_start(
    house: House, check_in: Instrument, change: Callable[[Instrument], Instrument], reason: str
) -> None:
    """At each visit an instrument without a score would show nothing, and one for therapists asks no patient."""
    catalogue = Catalogue(instruments=(change(check_in),), faults=())
    settings = replace(house.services.settings, instruments=InstrumentSettings())

    with pytest.raises(InvalidSettings, match=reason):
        check_instruments(settings, catalogue, today=date(2026, 11, 24))


def test_an_expired_licence_stops_the_start(make_house: MakeHouse) -> None:
    """A pack whose licence has ended cannot be assigned."""
    with pytest.raises(InvalidSettings, match=r"wai-sr 1\.0\.0 cannot be used \(licence expired\): .*Letter 17"):
        make_house(change=asking('each_visit = "wai-sr"', expires="2026-01-31"))
