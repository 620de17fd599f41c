"""A patient's whole visit in other languages, on a phone and enlarged: legible, accessible, and sent."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from smart_app.demo.run import running
from smart_app.demo.site import Site, write_site
from tests.ports import own_port
from tests.web.house import MARIA, Clinic

from .axe import violations
from .conftest import NewContext
from .people import CORE, hand_over, launch, open_patient, sign_in

# (heading of the form, its buttons, the thank-you), and who answers: one visit of each is due.
SAID = {
    "de": ("Wie war Ihre Sitzung", "Ja, das bin ich", "Prüfen", "Senden", "Danke", "Maria Lopez"),
    "hi": ("आपकी मुलाक़ात", "हाँ, यह मैं हूँ", "जाँचें", "भेजें", "धन्यवाद", "Thomas Reyes"),
}
# 1280 px at 400 % (WCAG 2.2, 1.4.10), and a common phone.
SIZES = ({"width": 320, "height": 256}, {"width": 390, "height": 844})
WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site that has confirmed German and Hindi."""
    found = write_site(tmp_path_factory.mktemp("languages"), ehr_port=own_port(), app_port=own_port())
    reviewers = ", ".join(f'"visit-check-in-1.0.0.{tag}" = "Jo Park"' for tag in SAID)
    written = found.settings.read_text("utf-8")
    written = written.replace("[instruments]\n", f"[instruments]\nreviewed_by = {{{reviewers}}}\n")
    for tag in SAID:
        written += f'\n[site.languages.{tag}]\nreviewed_by = "Jo Park"\n'
        written += 'crisis_line = "0800 111 0 111"\nsomeone_else = "555 0100"\n'
    found.settings.write_text(written, "utf-8")
    with running(found):
        yield found


@pytest.mark.parametrize("language", SAID)
def test_a_visit_in_another_language(site: Site, new_context: NewContext, language: str) -> None:
    """From the code to the thank-you no accessibility rule is broken and nothing runs out, enlarged or not."""
    heading, mine, review, send, thanks, patient = SAID[language]
    clinician = new_context(viewport={"width": 1280, "height": 900})[0].new_page()
    sign_in(clinician, site)
    open_patient(clinician, site, patient)
    link = hand_over(launch(clinician)).link
    phone = new_context(viewport=SIZES[1], locale=language)[0].new_page()

    phone.goto(link)
    _is_for_everybody(phone, language)
    phone.locator("button.main").click()
    _is_for_everybody(phone, language)
    phone.get_by_role("button", name=mine).click()
    expect(phone.get_by_role("heading", name=heading)).to_be_visible()
    _is_for_everybody(phone, language)
    for link_id in CORE:
        phone.locator(f"#item-{link_id} input[value='7']").check(force=True)
    expect(phone.locator("#count .given")).to_have_text("6")
    phone.get_by_role("button", name=review).click()
    _is_for_everybody(phone, language)
    phone.get_by_role("button", name=send, exact=True).click()
    expect(phone.get_by_role("heading", name=thanks)).to_be_visible()
    _is_for_everybody(phone, language)


def test_answers_go_along_into_another_language(site: Site, new_context: NewContext) -> None:
    """A person who changes the language in the middle of the form finds every answer, and may change back."""
    clinician = new_context(viewport={"width": 1280, "height": 900})[0].new_page()
    sign_in(clinician, site)
    open_patient(clinician, site, "Aoife O'Brien")
    link = hand_over(launch(clinician)).link
    phone = new_context(viewport=SIZES[1])[0].new_page()
    phone.goto(link)
    phone.get_by_role("button", name="Start").click()
    phone.get_by_role("button", name="Yes, this is me").click()
    phone.locator("#item-2 input[value='9']").check(force=True)

    phone.get_by_role("button", name="Deutsch").click()

    expect(phone.locator("html")).to_have_attribute("lang", "de")
    expect(phone.locator("#item-2 input[value='9']")).to_be_checked()
    phone.get_by_role("button", name="English").click()
    expect(phone.locator("html")).to_have_attribute("lang", "en")
    expect(phone.locator("#item-2 input[value='9']")).to_be_checked()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}px")
def test_pages_run_from_right_to_left(site: Site, new_context: NewContext, size: dict[str, int]) -> None:
    """Turned round, no page runs out: the door, a form, the clinician's view; what begins a line is at the right."""
    door = new_context(viewport=size)[0].new_page()
    door.goto(f"{site.app_url}/handover/")
    clinic = Clinic(site)
    form = new_context(viewport=size)[0].new_page()
    form.goto(clinic.code(*clinic.clinician())[0])
    form.locator("main button.main").click()
    form.locator("form[action$='/confirm'] button").click()
    expect(form.locator("#item-1")).to_be_visible()
    desk = new_context(viewport=size)[0].new_page()
    sign_in(desk, site)
    desk.goto(f"{site.ehr_url}/patients/{MARIA}/apps")
    with desk.expect_popup() as opened:
        desk.get_by_role("button", name="Open FHIR Alliance in a new window").click()
    expect(opened.value.locator("p.lead")).to_be_visible()

    for page in (door, form, opened.value):
        page.evaluate("document.documentElement.dir = 'rtl'")

        assert page.evaluate(WIDTH) == size["width"]
        page.locator(".skip-link").focus()
        box = page.locator(".skip-link").bounding_box()
        assert box
        assert box["x"] + box["width"] == pytest.approx(size["width"] - 16, abs=1)
        assert violations(page) == []
    assert door.evaluate("getComputedStyle(document.querySelector('.help')).borderRightWidth") == "4px"


def _is_for_everybody(page: Page, language: str) -> None:
    expect(page.locator("html")).to_have_attribute("lang", language)
    for size in SIZES:
        page.set_viewport_size(size)
        assert page.evaluate(WIDTH) == size["width"]
    assert violations(page) == []
