"""Languages of patients' pages: chosen by the person, offered only where the site has confirmed them, and complete."""

import hashlib
import html
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from babel import Locale
from pypdf import PdfReader

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.questionnaire import form_title
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import TRANSLATED, read_settings
from fhir_alliance.tables import submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site, offer_spanish, write_site
from smart_app.web import catalogues
from smart_app.web.app import create_app
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import capital
from tests.languages.leftovers import english_left
from tests.languages.visible import Pseudo, not_translated

from .conftest import MakeHouse
from .house import CORE, THOMAS, House, Person
from .test_web_links import WRONG, type_date
from .test_web_tablet import tablet, type_code, yes

CRISIS = {"de": "Telefonseelsorge 0800 111 0 111", "es": "Línea 024", "fr": "Le 3114", "hi": "टेली मानस 14416"}
SOMEONE = "Anlaufstelle, 555 0100"
CHOSEN = re.compile(r'name="([^"]+)" value="([^"]+)" checked')


def confirm(site: Site, *languages: str) -> None:
    """Write into the settings what a site confirms of languages."""
    reviewers = ", ".join(f'"visit-check-in-1.0.0.{tag}" = "Jo Park"' for tag in languages)
    written = site.settings.read_text().replace("[instruments]\n", f"[instruments]\nreviewed_by = {{{reviewers}}}\n")
    for tag in languages:
        written += f'\n[site.languages.{tag}]\nreviewed_by = "Jo Park"\n'
        written += f'crisis_line = "{CRISIS[tag]}"\nsomeone_else = "{SOMEONE}"\n'
    site.settings.write_text(written)


def confirm_all(site: Site) -> None:
    """Write that a site has confirmed everything there is."""
    confirm(site, *TRANSLATED)


@pytest.fixture(scope="module")
def clinic(opener: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Open a house that offers every language."""
    with opener(tmp_path_factory.mktemp("languages"), change=confirm_all) as opened:
        yield opened


def language_of(page: Page) -> str:
    """Return the language that a page says it is in."""
    return page.text.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize("asked", TRANSLATED)
def test_the_browser_is_asked_first(clinic: House, asked: str) -> None:
    """A browser of a language gets the page, and the site's own crisis line, in it."""
    reply = Person().send("GET", clinic.url("/handover/"), Accept_Language=f"{asked}-XX,{asked};q=0.9,en;q=0.5")

    assert f'<html lang="{asked}" dir="ltr">' in reply.text
    assert CRISIS[asked] in reply.text
    assert "988" not in reply.text
    assert "Accept-Language" in reply.headers["Vary"]


def test_what_a_person_chose_stays(clinic: House) -> None:
    """A link on the page chooses, the next pages remember, and another choice replaces it."""
    person = Person()
    first = person.open(clinic.url("/handover/"))

    chosen = person.open(first.link("?language=fr"))
    later = person.open(clinic.url("/"))
    changed = person.open(clinic.url("/?language=hi"))

    assert [language_of(each) for each in (first, chosen, later, changed)] == ["en", "fr", "fr", "hi"]
    assert language_of(person.open(clinic.url("/?language=xx"))) == "hi"


def test_the_next_patient_starts_in_the_sites_language(make_house: MakeHouse) -> None:
    """What one chose ends with the form, with "not me" and with leaving; the browser's own language says nothing."""
    house = make_house(change=confirm_all)
    device, _ = tablet(house)
    device.session.headers["Accept-Language"] = "de"
    home = house.url("/kiosk")
    spoken = [language_of(device.open(home))]

    for way in ("sent", "not me", "left", "at the start"):
        chosen = device.open(f"{home}?language=fr")
        spoken.append(language_of(chosen))
        if way != "at the start":
            _, short = house.code(*house.clinician())
            confirm = type_code(device, chosen, short)
            spoken.append(language_of(confirm))
            if way == "sent":
                form = yes(device, confirm)
                review = device.submit(form, form.form("/form"), **CORE, action="review")
                device.submit(review, review.form("/send"))
            elif way == "not me":
                device.submit(confirm, confirm.form("/not-me"))
        spoken.append(language_of(device.open(home)))

    assert spoken == ["en", *["fr", "fr", "en"] * 3, "fr", "en"]


def test_only_confirmed_languages_are_offered(make_house: MakeHouse) -> None:
    """Where German alone is confirmed, French is neither listed nor spoken, whoever asks for it."""
    house = make_house(change=lambda site: confirm(site, "de"))
    person = Person()

    page = person.open(house.url("/?language=fr"))

    assert language_of(page) == "en"
    assert re.findall(r'hreflang="(\w+)"', page.text) == ["de"]


def test_the_demo_offers_spanish(make_house: MakeHouse) -> None:
    """Patients of the demo choose Spanish on the list at home and on the form, and read there that it is a demo."""
    house = make_house(change=offer_spanish)

    for person, page in (house.at_home(), house.handed()):
        spanish = person.open(f"{page.url.partition('?')[0]}?language=es")

        assert re.findall(r'(?:hreflang|name="language" value)="(\w+)"', page.text) == ["es"]
        assert language_of(spanish) == "es"
        assert "Demostración: llame o envíe un mensaje al 988." in spanish.text


def test_a_site_with_one_language_has_no_choice(make_house: MakeHouse) -> None:
    """Without a confirmed language nothing is offered, and a German browser gets English."""
    reply = Person().send("GET", make_house().url("/"), Accept_Language="de")

    assert '<html lang="en"' in reply.text
    assert "languages" not in reply.text.partition("</style>")[2]


def test_what_was_answered_survives_another_language_and_is_kept_in_it(clinic: House) -> None:
    """The form goes on in German with its answers; what is sent says German, and the German text that was told (P1)."""
    person, form = clinic.handed()
    page = person.submit(form, form.form("/form"), **CORE, language="de")

    review = person.submit(page, page.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))

    told = html.unescape(page.text.partition('<div class="about">\n<p>')[2].partition("</p>")[0])
    row = clinic.rows(submissions)[-1]
    assert dict(CHOSEN.findall(page.text)) == CORE
    assert "Wie war Ihre Sitzung am " in re.sub("<[^>]*>", "", page.text)
    assert "sieht Ihre Antworten" in told
    assert row["audience_digest"] == hashlib.sha256(told.encode()).hexdigest()
    assert "Wir haben Ihre Antworten erhalten." in receipt.text


def test_clinicians_read_their_own_language_too(clinic: House) -> None:
    """A clinician whose browser is German gets the view in German, may change it there, and it stays."""
    person = _german()
    clinic.sign_in(person)

    chart = person.open(clinic.launch_url(person))
    french = person.open(f"{chart.url}?language=fr")
    delivery = person.open(chart.link("/delivery"))

    assert [language_of(each) for each in (chart, french, delivery)] == ["de", "fr", "fr"]
    assert "Werte je Sitzung" in chart.text
    assert "Scores par séance" in french.text
    assert "Où sont les formulaires" in delivery.text
    assert re.search(r"\d,\d–\d,\d", chart.text)


def test_choosing_a_language_keeps_how_many_visits_are_shown(clinic: House) -> None:
    """The choice stands beside `?last=` and keeps it; a value without a meaning is dropped, no other field is kept."""
    person, chart = clinic.clinician()

    six, odd, other = (person.open(f"{chart.url}?{query}") for query in ("last=6", "last=6%22x", "last=6&launch=abc"))
    german = person.open(f"{chart.url}?language=de&last=6")

    assert 'href="?language=de&amp;last=6"' in six.text
    assert 'href="?last=6" aria-current="true"' in german.text
    assert '<html lang="de"' in german.text
    assert 'href="?language=de"' in odd.text
    assert "?language=" not in other.text


def test_the_pdf_is_in_the_same_language(clinic: House) -> None:
    """What the view says in German its PDF says in German; where it cannot print the letters, a page says so."""
    person = _german()
    clinic.sign_in(person)
    chart = person.open(clinic.launch_url(person, THOMAS))

    german = person.send("GET", chart.url.replace("/chart", "/chart.pdf"))
    hindi = person.open(f"{chart.url.replace('/chart', '/chart.pdf')}?language=hi")

    text = PdfReader(io.BytesIO(german.content)).pages[0].extract_text()
    assert "Werte je Sitzung" in text
    assert english_left(text, "de") == []
    assert language_of(hindi) == "hi"
    assert "इस पन्ने की PDF नहीं है" in hindi.text


def test_every_word_of_a_clinicians_pages_is_translated(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a language that puts every message in brackets, no clinician's page has a word outside of them."""
    house = make_house(change=confirm_all)
    monkeypatch.setattr(catalogues, "catalogue", lambda _: Pseudo())
    pages = {name: page.text for name, page in clinicians_walk(house).items()}

    known = {
        *_words_of_the_form(),
        *CRISIS.values(),
        SOMEONE,
        "Harbor Clinic",
        "Dr. Ada Okafor",
        "Maria Lopez",
        "Maria",
    }
    known |= {house.services.settings.host, "visit-check-in-1.0.0", "PHQ-9", *_days_and_months()}
    known.add(pages["hand over"].partition('class="short-code">')[2].partition("<")[0])
    known |= {title for name in ("gad-7", "phq-4") for title in _english_titles(name)}
    assert {name: left for name, text in pages.items() if (left := not_translated(text, known))} == {}
    assert all("⟦" in text for text in pages.values())


def clinicians_walk(house: House) -> dict[str, Page]:
    """Return a clinician's pages by name: the view and all that its buttons lead to, and how they end."""
    person, seen = _german(), dict[str, Page]()
    house.sign_in(person)
    patient, form = house.handed()
    review = patient.submit(form, form.form("/form"), **CORE, action="review")
    patient.submit(review, review.form("/send"))
    seen["chart"] = chart = person.open(house.launch_url(person))
    seen["together"] = person.open(chart.link("/together"))
    seen["asking"] = asking = person.open(chart.link("/asking"))
    seen["no day"] = person.submit(asking, asking.form("/asking"), asked="pause", until="")
    seen["delivery"] = person.open(chart.link("/delivery"))
    seen["withdraw"] = withdraw = person.open(chart.link("/withdraw"))
    seen["no cause"] = person.submit(withdraw, withdraw.form("/withdraw"))
    seen["links"] = links = person.open(chart.link("/links"))
    seen["link"] = person.submit(links, links.form("/links"), form="core")
    seen["links made"] = person.open(links.url)
    seen["rating"] = rating = person.open(f"{chart.url.removesuffix('/chart')}/form")
    seen["rated"] = rated = person.submit(rating, rating.form("/form"), **CORE, action="review")
    seen["rating sent"] = person.submit(rated, rated.form("/send"))
    seen["no such answer"] = person.open(f"{chart.url}/nothing")
    seen["hand over"] = handover = person.submit(chart, chart.form("/handover"), form="core")
    other = _german()
    start = other.open(handover.link("/handover/"))
    other.submit(start, start.forms[0])
    seen["handed over"] = person.open(chart.url)
    return seen


def test_faults_of_languages_are_told_with_the_others(tmp_path: Any) -> None:
    """A crisis line that is missing, a language without words, a first language that is none: all at once."""
    site = write_site(tmp_path, ehr_port=1, app_port=2)
    written = site.settings.read_text().replace("[site]\n", '[site]\nlanguage = "fr"\n')
    languages = '\n[site.languages.de]\nreviewed_by = "Jo Park"\n\n[site.languages.xx]\nreviewed_by = "Jo Park"\n'
    site.settings.write_text(written + languages)

    with pytest.raises(InvalidSettings) as refused:
        read_settings(site.settings)

    faults = "\n".join(refused.value.faults)
    assert "site.languages.de.crisis_line" in faults
    assert "site.languages.de.someone_else" in faults
    assert "site.languages.xx" in faults


def test_a_language_needs_reviewed_words_of_the_form(tmp_path: Any) -> None:
    """A site that has confirmed its texts, but names nobody who has read the questions, is told so at the start."""
    site = write_site(tmp_path, ehr_port=1, app_port=2)
    confirm(site, "de")
    site.settings.write_text(re.sub("reviewed_by = {.*}\n", "", site.settings.read_text()))

    with pytest.raises(InvalidSettings) as refused:
        create_app(read_settings(site.settings))

    assert "visit-check-in-1.0.0.de" in refused.value.faults[0]


def test_a_language_may_run_from_right_to_left(clinic: House) -> None:
    """The page of such a language says its direction."""
    assert Frame(site=clinic.services.settings.site, language="he").direction == "rtl"


def test_every_word_of_a_patients_pages_is_translated(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a language that puts every message in brackets, no patient's page has a word outside of them."""
    house = make_house(change=confirm_all)
    monkeypatch.setattr(catalogues, "catalogue", lambda _: Pseudo())
    pages = {name: page.text for name, page in walk(house).items()}

    known = {*_words_of_the_form(), *CRISIS.values(), SOMEONE, "Harbor Clinic", "Dr. Ada Okafor", "Maria Lopez"}
    known |= {"Maria L.", "Maria", "ABC-234", "Juni"}
    assert {name: left for name, text in pages.items() if (left := not_translated(text, known))} == {}
    assert all("⟦" in text for text in pages.values())


def walk(house: House) -> dict[str, Page]:
    """Return a patient's pages by name: by code, by link, at home, with every way out and the errors on the way."""
    seen: dict[str, Page] = {}
    stranger = _german()
    seen["front"] = stranger.open(house.url("/"))
    seen["enter"] = enter = stranger.open(house.url("/handover/"))
    seen["wrong code"] = stranger.submit(enter, enter.forms[0], code="AAA-AAA")
    seen["no page"] = stranger.open(house.url("/nowhere"))
    seen["no launch"] = stranger.open(house.url("/l/nobody/form"))
    link, _ = house.code(*house.clinician())
    person = _german()
    seen["start"] = start = person.open(link)
    seen["confirm"] = confirm_page = person.submit(start, start.forms[0])
    seen["used link"] = stranger.open(link)
    seen["form"] = form = person.submit(confirm_page, confirm_page.form("/confirm"))
    seen["problems"] = person.submit(form, form.form("/form"), **{**CORE, "1": "99"}, action="review")
    seen["empty"] = person.submit(form, form.form("/form"), action="review")
    form = person.open(form.url)
    seen["review"] = review = person.submit(form, form.form("/form"), **CORE, action="review")
    seen["receipt"] = person.submit(review, review.form("/send"))
    return seen | _by_link(house) | _on_tablet(house) | _at_home(house)


def _by_link(house: House) -> dict[str, Page]:
    link, person = house.link(*house.clinician()), _german()
    seen = {"link": person.open(link), "no date": type_date(person, link, {"day": "x", "month": "1", "year": "1970"})}
    seen |= {f"wrong date {number}": type_date(person, link, WRONG) for number in range(2)}
    seen["link's form"] = type_date(person, link, house.born())
    seen["no link"] = person.open(house.url("/link/" + "a" * 43))
    return seen


def _on_tablet(house: House) -> dict[str, Page]:
    device, start = tablet(house)
    start = device.open(f"{start.url}?language=de")
    seen = {"tablet": start, "wrong code there": type_code(device, start, "AAA-AAA")}
    _, short = house.code(*house.clinician())
    seen["confirm there"] = asked = type_code(device, start, short)
    seen["form there"] = yes(device, asked)
    return seen


def _at_home(house: House) -> dict[str, Page]:
    seen: dict[str, Page] = {}
    person = _german()
    asked = person.open(house.url("/start/harbor"))
    consent = person.submit(asked, asked.forms[0], person="Patient/maria-lopez")
    seen["visits"] = visits = person.submit(consent, consent.forms[0], decision="allow")
    form = person.submit(visits, visits.form("/visit"), encounter="none")
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    seen["own receipt"] = receipt = person.submit(review, review.form("/send"))
    seen["change"] = change = person.open(receipt.link("/change"))
    seen["changed review"] = changed = person.submit(change, change.form("/change"), **CORE, action="review")
    seen["changed receipt"] = newest = person.submit(changed, changed.form("/send"))
    seen["old receipt changed"] = person.open(f"{receipt.url}/change")
    seen["take back"] = ask = person.open(newest.link("/take-back"))
    seen["taken back"] = person.submit(ask, ask.form("/take-back"))
    seen["sent before"] = person.open(visits.url)
    other = _german()
    asked = other.open(house.url("/start/harbor"))
    consent = other.submit(asked, asked.forms[0], person="Patient/maria-lopez")
    visits = other.submit(consent, consent.forms[0], decision="allow")
    form = other.submit(visits, visits.form("/visit"), encounter="none")
    seen["declined"] = other.submit(form, form.form("/form"), action="decline")
    return seen


def _days_and_months() -> Iterator[str]:
    """Yield what Babel calls days and months in German."""
    for names in (Locale("de").days, Locale("de").months):
        yield from (
            name
            for context in names.values()
            for width in ("abbreviated", "wide")
            for name in context.get(width, {}).values()
        )


def _english_titles(name: str) -> Iterator[str]:
    """Yield what a form is called that has no words in other languages."""
    instrument = shipped().instrument(name)
    words = instrument.wordings["en"]
    yield from (words.title, *words.scores.values(), *(form_title(words, form) for form in instrument.forms))


def _german() -> Person:
    person = Person()
    person.session.headers["Accept-Language"] = "de"
    return person


def _words_of_the_form() -> set[str]:
    words = shipped().instrument("visit-check-in").wordings["de"]
    said = [each[Rater.PATIENT] for each in words.items.values()]
    said += [*words.sections.values(), *words.anchors, *words.options.values(), *words.headings.values()]
    said += [option.capitalize() for option in words.options.values()]
    said += [*words.forms.values(), *words.raters.values(), *words.scores.values()]
    said += [capital(each) for each in (*words.forms.values(), *words.scores.values())]
    said += [each[Rater.THERAPIST] for each in words.items.values()] + [words.instructions[Rater.THERAPIST]]
    heading = words.heading(Rater.PATIENT).partition("{day}")
    said += words.heading(Rater.THERAPIST).replace("{day}", "{patient}").split("{patient}")
    forms = [f"{words.title} ({words.raters[rater]}, {form})" for form in words.forms.values() for rater in Rater]
    return {*said, heading[0], words.title, words.caveat, words.copyright, words.instructions[Rater.PATIENT], *forms}
