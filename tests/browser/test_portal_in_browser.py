"""A patient at home in a browser: what waits, answers that survive a lost network, and the keyboard alone."""

import gzip
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from fhir_alliance.settings import read_settings
from smart_app.demo.run import running
from smart_app.demo.site import Site, offer_spanish, write_site
from smart_app.publishing import publish_all
from tests.ports import own_port

from .axe import violations
from .conftest import NewContext
from .people import CORE, allow, answer, choose, enter_portal, launch_at_home, question, send

SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
MOST_PRESSES = 30
FIRST_FLIGHT = 14 * 1024


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a site of two languages whose patients nobody else answers for: each of these tests has its own."""
    folder = tmp_path_factory.mktemp("portal")
    found = write_site(folder, ehr_port=own_port(), app_port=own_port())
    offer_spanish(found)
    with running(found):
        list(publish_all(read_settings(found.settings)))
        yield found


def checked(page: Page) -> list[str]:
    """Return what is chosen on the form, in its order."""
    found: list[str] = page.evaluate("[...document.querySelectorAll('input:checked')].map(each => each.value)")
    return found


def sign_in_again(page: Page, site: Site) -> None:
    """Start the app for the patient who is signed in to the EHR."""
    page.goto(f"{site.app_url}/start/harbor")
    allow(page)


@pytest.mark.parametrize(
    ("patient", "size", "script"),
    [
        ("Fatima Al-Hassan", "phone", True),
        ("Petr Novák", "phone", False),
        ("Lucia Ferrari", "desk", True),
        ("Linh Nguyễn", "desk", False),
    ],
)
def test_from_what_waits_to_what_was_sent(
    site: Site, new_context: NewContext, patient: str, size: str, script: bool
) -> None:
    """On a phone and a desk, with and without a script: answer, not today, answer after all; axe finds nothing."""
    page = new_context(viewport=SIZES[size], java_script_enabled=script)[0].new_page()
    enter_portal(page, site, patient)
    page.get_by_role("link", name="Answer: How was your visit?").click()
    allow(page)
    expect(page.get_by_role("heading", name="A form is waiting")).to_be_visible()
    assert not script or violations(page) == []
    page.get_by_role("button", name="Your visit today").click()
    choose(page, "1", "8")
    page.get_by_role("button", name="Not today").click()
    expect(page.get_by_text("1 answer is kept")).to_be_visible()
    assert not script or violations(page) == []

    page.get_by_role("button", name="Your visit today").click()
    expect(question(page, "1").get_by_role("radio", name="8")).to_be_checked()
    answer(page, dict.fromkeys(CORE, "6"))
    send(page)
    page.get_by_role("link", name="see all your forms").click()

    expect(page.get_by_role("heading", name="No form is waiting")).to_be_visible()
    expect(page.locator(".own-sent li")).to_have_count(1)
    expect(page.locator(".own-sent")).to_contain_text("You can change it or take it back until")
    assert not script or violations(page) == []


def test_a_lost_network_loses_no_answer(site: Site, new_context: NewContext) -> None:
    """Unplugged mid-form the page says so and keeps the answers; plugged in again it saves them, for any device."""
    context, watch = new_context(viewport=SIZES["phone"])
    page = context.new_page()
    enter_portal(page, site, "Kwame Boateng")
    launch_at_home(page)
    choose(page, "1", "8")
    expect(page.locator("#kept")).to_contain_text("Saved ")

    context.set_offline(True)
    choose(page, "2", "7")
    choose(page, "3", "4")
    expect(page.locator("#kept")).to_contain_text("Not saved yet. We will try again.")
    page.get_by_role("button", name="Review").click()
    expect(page.locator("#kept")).to_contain_text("You are offline: your answers stay on this page.")
    stored = page.evaluate("[localStorage.length, sessionStorage.length]")
    context.set_offline(False)
    expect(page.locator("#kept")).to_contain_text("Saved ")
    watch.forgive("ERR_INTERNET_DISCONNECTED")

    other = new_context(viewport=SIZES["desk"])[0].new_page()
    enter_portal(other, site, "Kwame Boateng")
    sign_in_again(other, site)
    expect(other.get_by_role("heading", name="How was your visit")).to_be_visible()
    assert checked(other) == checked(page) == ["8", "7", "4"]
    assert stored == [0, 0]


def test_offline_and_then_in_another_language_every_answer_is_kept(site: Site, new_context: NewContext) -> None:
    """Without a network the language does not change and nothing is lost; with one it changes, answers and all."""
    context, watch = new_context(viewport=SIZES["phone"])
    page = context.new_page()
    enter_portal(page, site, "Hana Suzuki")
    sign_in_again(page, site)
    page.get_by_role("button", name="Your visit today").click()
    choose(page, "1", "8")
    expect(page.locator("#kept")).to_contain_text("Saved ")
    context.set_offline(True)
    answer(page, {"2": "7", "3": "4"})

    page.get_by_role("button", name="Español").click()
    expect(page.locator("#kept")).to_contain_text("You are offline: your answers stay on this page.")
    before = checked(page)
    choose(page, "4", "5")
    context.set_offline(False)
    page.get_by_role("button", name="Español").click()

    expect(page.locator("html[lang=es]")).to_be_attached()
    watch.forgive("ERR_INTERNET_DISCONNECTED")
    assert before == ["8", "7", "4"]
    assert checked(page) == ["8", "7", "4", "5"]
    page.reload()
    assert checked(page) == ["8", "7", "4", "5"]


def test_answers_before_the_script_has_come_are_kept(site: Site, page: Page) -> None:
    """On a slow network the form is answered before its script is there; what was answered is kept all the same."""

    def hold(_: Route) -> None:
        """Let the script wait until it is routed no more."""

    enter_portal(page, site, "José Hernández")
    sign_in_again(page, site)
    page.route("**/static/app*", hold)
    page.get_by_role("button", name="Your visit today").click()
    answer(page, {"1": "8", "2": "7"})
    expect(page.locator("#kept")).to_be_hidden()

    page.unroute("**/static/app*", hold)

    expect(page.locator("#kept")).to_contain_text("Saved ")
    page.reload()
    assert checked(page) == ["8", "7"]


def test_a_press_waits_for_what_is_being_kept(site: Site, new_context: NewContext) -> None:
    """On a slow network Review goes on where the last answer is still on its way; nobody is told of another page."""
    page = new_context(viewport=SIZES["phone"])[0].new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    enter_portal(page, site, "Grace Kim")
    sign_in_again(page, site)
    page.route("**/form/keep", hold)  # before the page is asked for: begun meanwhile it may take the script's request
    page.get_by_role("button", name="Your visit today").click()
    with page.expect_request("**/form/keep"):
        answer(page, dict.fromkeys(CORE, "6"))
    assert checked(page) == ["6"] * len(CORE)
    (first,) = held
    kept = first.fetch()

    page.get_by_role("button", name="Review").click()
    first.fulfill(response=kept)

    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    expect(page.locator(".answer", has_text="6")).to_have_count(len(CORE))


def test_two_devices_at_once(site: Site, new_context: NewContext) -> None:
    """The device that comes later is told in plain words, and shows the answers of both."""
    pages = []
    for size in SIZES.values():
        context, watch = new_context(viewport=size)
        page = context.new_page()
        enter_portal(page, site, "Nadia Haddad")
        sign_in_again(page, site)
        page.get_by_role("button", name="Your visit today").click()
        expect(page.get_by_role("heading", name="How was your visit")).to_be_visible()
        pages.append(page)
    first, second = pages
    choose(first, "1", "8")
    expect(first.locator("#kept")).to_contain_text("Saved ")

    choose(second, "2", "3")
    expect(second.locator("#kept")).to_contain_text("on another page or device")
    second.get_by_role("button", name="Review").click()
    expect(second.get_by_role("alert").first).to_be_visible()
    watch.forgive("status of 409")

    assert checked(second) == ["8", "3"]


def test_the_core_form_in_under_thirty_presses(site: Site, page: Page) -> None:
    """From the open form to the thank-you page with mid-range answers, by the keyboard alone."""
    enter_portal(page, site, "Rebecca Stone")
    launch_at_home(page)
    presses = 0

    def press(key: str) -> None:
        nonlocal presses
        presses += 1
        page.keyboard.press(key)

    def focused(text: str) -> bool:
        found: bool = page.evaluate("text => document.activeElement.textContent.trim() === text", text)
        return found

    press("Tab")
    press("Enter")
    for number in range(len(CORE)):
        press("Tab")
        press(str(4 + number % 3))
    while not focused("Review"):
        press("Tab")
    with page.expect_navigation():
        press("Enter")
    while not focused("Send"):
        press("Tab")
    with page.expect_navigation():
        press("Enter")

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert presses < MOST_PRESSES


def test_the_first_question_needs_one_small_answer(site: Site, page: Page) -> None:
    """The form is one request of at most 14 KB, headers and all, and it is readable before anything else has come."""
    enter_portal(page, site, "Samuel Whitehorse")
    launch_at_home(page)
    page.route("**/static/**", lambda route: route.fulfill(body=""))

    reply = page.reload(wait_until="commit")

    assert reply is not None
    expect(question(page, "1")).to_be_visible()
    headers = sum(len(name) + len(value) + 4 for name, value in reply.all_headers().items())
    assert len(gzip.compress(reply.body(), 9)) + headers <= FIRST_FLIGHT


def test_the_end_of_a_page_is_told_before(site: Site, page: Page) -> None:
    """Two minutes before a page that was left alone closes, it says so; an answer puts the end off."""
    page.clock.install()
    enter_portal(page, site, "Daniel Brooks")
    launch_at_home(page)
    warning = page.locator("#ending")
    expect(warning).to_be_hidden()

    page.clock.fast_forward("28:30")
    expect(warning).to_contain_text("This page closes in 2 minutes. Your answers so far are kept.")
    choose(page, "1", "8")
    page.clock.fast_forward("00:02")

    expect(warning).to_be_hidden()
