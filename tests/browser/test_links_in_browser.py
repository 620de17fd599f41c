"""Ways to answer without a sign-in, as people see them: a link, a clinic's tablet, the therapist's own guess."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from playwright.sync_api import BrowserContext, Page, expect

from fhir_alliance.settings import read_settings
from smart_app.cli import main
from smart_app.demo.run import running
from smart_app.demo.site import Site, write_site
from smart_app.publishing import publish_all
from tests.ports import own_port

from .axe import violations
from .conftest import NewContext
from .people import CORE, answer, hand_over, launch, open_patient, send, sign_in

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
SCRIPTS = pytest.mark.parametrize("script", [True, False], ids=["with-script", "without"])


def make_link(context: BrowserContext, site: Site, patient: str) -> Page:
    """Make a link in a patient's chart; returns the page that shows it, in a window of its own."""
    page = context.new_page()
    sign_in(page, site)
    open_patient(page, site, patient)
    page.get_by_role("link", name="Apps").click()
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open FHIR Alliance in a new window").click()
    app = opened.value
    app.get_by_role("link", name="Send a link").click()
    expect(app.get_by_role("heading", name="a link")).to_be_visible()
    assert_fine(app)
    app.get_by_role("button", name="short form").click()
    expect(app.get_by_label("The link, to copy")).to_be_visible()
    return app


def assert_fine(page: Page) -> None:
    """Check a page with axe-core, and that it does not scroll sideways."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def assert_narrow(page: Page) -> None:
    """Check that a page without a script does not scroll sideways."""
    viewport = page.viewport_size or PHONE
    box = page.locator("body").bounding_box()
    assert box is not None
    assert box["width"] <= viewport["width"]


@SIZES
@SCRIPTS
def test_a_patient_answers_by_link(site: Site, new_context: NewContext, size: dict[str, int], script: bool) -> None:
    """From the clinician's page to the receipt: a slip, a date, a form; afterwards the link is a plain page."""
    context, watch = new_context(viewport=DESK)
    made = make_link(context, site, "Aoife")
    link = made.get_by_label("The link, to copy").input_value()
    born = made.locator(".banner").inner_text()
    assert_fine(made)
    made.emulate_media(media="print")
    assert made.locator("main :visible", has_text="Aoife").count() == 0
    expect(made.locator(".slip")).to_be_visible()

    phone, phone_watch = new_context(viewport=size, java_script_enabled=script)
    patient = phone.new_page()
    check = assert_fine if script else assert_narrow
    patient.goto(link)
    check(patient)
    fill_date(patient, "1", "1", "1970")
    expect(patient.get_by_role("alert")).to_contain_text("That is not the birth date we have.")
    check(patient)
    fill_date(patient, *date_of(born))
    expect(patient.get_by_role("heading", name="How was your visit")).to_be_visible()
    check(patient)
    answer(patient, dict.fromkeys(CORE, "7"))
    send(patient)
    expect(patient.get_by_role("heading", name="We have received your answers")).to_be_visible()
    check(patient)

    patient.goto(link)
    expect(patient.get_by_role("heading", name="This link does not work")).to_be_visible()
    check(patient)
    phone_watch.forgive("status of 4")
    watch.forgive("status of 4")


def fill_date(page: Page, day: str, month: str, year: str) -> None:
    """Type a birth date and open the form."""
    for name, value in (("Day", day), ("Month", month), ("Year", year)):
        page.get_by_label(name).fill(value)
    page.get_by_role("button", name="Open the form").click()


def date_of(banner: str) -> tuple[str, str, str]:
    """Return the birth date of a banner, as it is typed."""
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    day, month, year = banner.partition("born ")[2].split()[:3]
    return day, str(months.index(month) + 1), year


def tablet_of(context: BrowserContext, site: Site) -> Page:
    """Register a tablet; returns its page, waiting for a code."""
    told = CliRunner().invoke(main, ["tablets", "add", "desk", "--by", "Jo", "--settings", str(site.settings)]).output
    page = context.new_page()
    page.goto(f"{site.app_url}/kiosk")
    page.get_by_label("The code from your administrator").fill(told.partition(" type ")[2].split()[0])
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Do you have a code?")).to_be_visible()
    return page


def short_code(context: BrowserContext, site: Site, patient: str) -> str:
    """Hand a form over in a patient's chart; returns the short code."""
    page = context.new_page()
    sign_in(page, site)
    open_patient(page, site, patient)
    return hand_over(launch(page)).short_code


def type_code(page: Page, code: str) -> None:
    """Type a patient's code on the tablet, and say who one is."""
    page.bring_to_front()
    page.get_by_label("Your code").fill(code)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Is this you")).to_be_visible()


@SIZES
@SCRIPTS
def test_the_tablet_in_the_waiting_room(
    site: Site, new_context: NewContext, size: dict[str, int], script: bool
) -> None:
    """From code to receipt and back to the start; then "back" shows nobody, however often it is pressed (T50)."""
    chart, _ = new_context(viewport=DESK)
    code = short_code(chart, site, "Kwame")
    context, watch = new_context(viewport=size, java_script_enabled=script)
    page = tablet_of(context, site)
    check = assert_fine if script else assert_narrow
    check(page)

    type_code(page, code)
    check(page)
    page.get_by_role("button", name="Yes, this is me").click()
    check(page)
    answer(page, dict.fromkeys(CORE, "7"))
    send(page)
    expect(page.get_by_text("In one minute this tablet goes back to the start.")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Leave this tablet").click()
    expect(page.get_by_role("heading", name="Do you have a code?")).to_be_visible()

    for _ in range(5):
        page.go_back()
        assert "Kwame" not in page.content()
    watch.forgive("status of 4")


def test_a_tablet_left_alone_goes_back_and_keeps_the_answers(site: Site, new_context: NewContext) -> None:
    """It asks first and stays for who answers; left alone it waits for a code, and the same code brings the answers."""
    chart, _ = new_context(viewport=DESK)
    code = short_code(chart, site, "Linh")
    context, watch = new_context(viewport=PHONE)
    page = tablet_of(context, site)
    type_code(page, code)
    page.clock.install()
    page.get_by_role("button", name="Yes, this is me").click()
    expect(page.get_by_text("If nobody touches this tablet for 10 minutes")).to_be_visible()
    answer(page, {"1": "4", "2": "5"})

    page.clock.fast_forward(9 * 60_000 + 40_000)
    expect(page.get_by_text("Are you still here?")).to_be_visible()
    assert_fine(page)
    page.get_by_role("button", name="I am still here").click()
    expect(page.get_by_text("Are you still here?")).to_be_hidden()
    page.clock.fast_forward(10 * 60_000 + 5_000)
    expect(page.get_by_role("heading", name="Do you have a code?")).to_be_visible()

    type_code(page, code)
    page.get_by_role("button", name="Yes, this is me").click()
    expect(page.locator("#item-1 input:checked")).to_have_value("4")
    expect(page.locator("#item-2 input:checked")).to_have_value("5")
    watch.forgive("status of 4")


@pytest.fixture(scope="module")
def blind_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site where a therapist sees what a patient rated once both have."""
    folder = tmp_path_factory.mktemp("blind")
    found = write_site(folder, ehr_port=own_port(), app_port=own_port())
    settings = found.settings.read_text("utf-8")
    found.settings.write_text(settings.replace("[instruments]", "blind_until_both = true\n\n[instruments]"), "utf-8")
    with running(found):
        list(publish_all(read_settings(found.settings)))
        yield found


@pytest.mark.parametrize(("size", "patient"), [(PHONE, "Aoife"), (DESK, "Kwame")], ids=["phone", "desk"])
def test_the_therapists_guess_comes_first(
    blind_site: Site, new_context: NewContext, size: dict[str, int], patient: str
) -> None:
    """The patient's answers of today are hidden with the reason, until the therapist has rated the visit as well."""
    context, watch = new_context(viewport=DESK)
    device, _ = new_context(viewport=size)
    clinician, page = context.new_page(), device.new_page()
    sign_in(clinician, blind_site)
    open_patient(clinician, blind_site, patient)
    page.goto(hand_over(launch(clinician)).link)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Yes, this is me").click()
    answer(page, dict.fromkeys(CORE, "3"))
    send(page)
    expect(page.locator("#state")).to_have_text("They are in your chart now.", timeout=30_000)

    open_patient(clinician, blind_site, patient)
    app = launch(clinician)
    expect(app.get_by_text("What they rated is shown once you have rated it, too")).to_be_visible()
    assert "3.0" not in app.locator("main").inner_text()
    app.get_by_role("link", name="Rate as").click()
    answer(app, dict.fromkeys(CORE, "8"))
    send(app)
    expect(app.get_by_role("heading", name="Thank you")).to_be_visible()
    app.get_by_role("link", name="Back to the ratings").click()
    expect(app.locator("p.lead")).to_contain_text("3.0")
    watch.forgive("status of 4")
