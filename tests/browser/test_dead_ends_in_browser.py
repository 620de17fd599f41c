"""Where a form cannot go on: each page is for everybody, says what happened, and has kept the answers."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from smart_app.demo.site import write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from tests.web.house import House, open_house
from tests.web.test_web_home import change_visit, retire
from tests.web.test_web_portals import two

from .conftest import NewContext
from .people import answer, choose, enter_portal
from .test_pages_for_everybody import faults
from .tours import Look


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Open a site with two EHRs on loopback, whose clock, record and forms change when told."""
    for part in ("record", "house"):
        (tmp_path / part).mkdir()
    ehr = create_sandbox(read_config(write_site(tmp_path / "record", ehr_port=1, app_port=2).sandbox))
    ehr.extensions["sandbox_store"].close()
    with open_house(tmp_path / "house", record=tmp_path / "record" / "sandbox.db", change=two) as opened:
        yield opened


def begun(page: Page, house: House, patient: str, look: Look) -> str:
    """Choose the portal, sign in and answer two questions; returns the id of the visit that they are about."""
    enter_portal(page, house.site, patient)
    page.goto(house.url("/start"))
    look(page, "portals")
    page.get_by_role("link", name="Harbor EHR").click()
    page.get_by_role("button", name="Allow", exact=True).click()
    visit = page.get_by_role("button", name="Your visit today")
    encounter = str(visit.get_attribute("value"))
    visit.click()
    expect(page.get_by_role("heading", name="How was your visit")).to_be_visible()
    answer(page, {"1": "8", "2": "7"})
    expect(page.locator("#kept")).to_contain_text("Saved ")
    return encounter


def called_off(house: House, page: Page, encounter: str) -> None:
    """Call the visit off in the record."""
    change_visit(house, encounter, status="cancelled")


def moved(house: House, page: Page, encounter: str) -> None:
    """Move the visit to tomorrow."""
    at = house.now() + timedelta(days=1)
    change_visit(house, encounter, period={"start": at.isoformat(timespec="seconds")})


def withdrawn(house: House, page: Page, encounter: str) -> None:
    """Withdraw the form."""
    retire(house)


def changed_elsewhere(house: House, page: Page, encounter: str) -> None:
    """Answer the same form in another tab."""
    other = page.context.new_page()
    other.goto(page.url)
    choose(other, "1", "2")
    expect(other.locator("#kept")).to_contain_text("Saved ")
    other.close()


def left_alone(house: House, page: Page, encounter: str) -> None:
    """Leave the page alone for too long."""
    house.ahead = timedelta(minutes=31)


@pytest.mark.parametrize(
    ("happens", "heading", "kept"),
    [
        (called_off, "This visit did not take place", "Your answers so far are kept for a day."),
        (moved, "This visit was moved", "Your answers so far are kept until then."),
        (withdrawn, "This form is not asked any more", "Your answers so far are kept for a day."),
        (changed_elsewhere, "Please look again", "Your answers here are still shown"),
        (left_alone, "This page has closed", "Your answers so far are kept."),
    ],
)
def test_where_a_form_cannot_go_on(
    house: House,
    new_context: NewContext,
    tmp_path: Path,
    happens: Callable[[House, Page, str], None],
    heading: str,
    kept: str,
) -> None:
    """The page has its words and its way on, axe-core finds nothing, and nothing is cut off, at 320 to 1280 px."""
    context, watch = new_context()
    page, found = context.new_page(), list[str]()

    def look(shown: Page, name: str) -> None:
        found.extend(faults(shown, tmp_path / name, set()))

    encounter = begun(page, house, "Fatima Al-Hassan", look)
    happens(house, page, encounter)
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.locator("main")).to_contain_text(kept)
    look(page, happens.__name__)

    watch.forgive("status of 4")
    assert found == []
