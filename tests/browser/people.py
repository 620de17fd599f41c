"""What people do on the pages, step by step, with the mouse."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import FrameLocator, Locator, Page, expect

from smart_app.demo.site import Site

ADA: Final = "Dr. Ada Okafor"
CORE: Final = ("1", "2", "3", "4", "5", "6")
# An answer takes a moment to get into the chart when both cores are busy.
IN_CHART_MS: Final = 30_000


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """What a handover page offers: a link for a window on this device, a short code for another one."""

    link: str
    short_code: str


def sign_in(page: Page, site: Site, therapist: str = ADA) -> None:
    """Sign in to the sandbox EHR as a therapist."""
    page.goto(site.ehr_url)
    page.get_by_role("button", name=therapist).click()
    expect(page.get_by_role("heading", name="Patients")).to_be_visible()


def open_patient(page: Page, site: Site, patient: str) -> None:
    """Open a patient's chart from the list; a tab that nobody looks at is slow, so it comes to the front."""
    page.bring_to_front()
    page.goto(f"{site.ehr_url}/patients")
    page.get_by_role("link", name=patient).click()
    expect(page.get_by_role("navigation", name="Chart")).to_be_visible()


def launch(page: Page) -> FrameLocator:
    """Launch the app inside the open chart and return its frame, showing the clinician's view."""
    page.get_by_role("link", name="Apps").click()
    page.get_by_role("button", name="Open FHIR Alliance in the chart").click()
    app = page.frame_locator("iframe")
    expect(app.locator("p.lead")).to_be_visible()
    return app


def hand_over(app: FrameLocator, *, form: str = "core") -> Invitation:
    """Start a handover in the clinician's view and return what its page offers."""
    app.locator(f"button[name=form][value={form}]").click()
    expect(app.get_by_role("heading", name="Hand over to")).to_be_visible()
    link = app.get_by_role("link", name="Open in a new window").get_attribute("href")
    return Invitation(link=str(link), short_code=app.locator(".short-code").inner_text())


def begin(page: Page, link: str) -> None:
    """Open a one-time link and say who one is."""
    page.bring_to_front()
    page.goto(link)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Yes, this is me").click()
    expect(page.get_by_role("heading", name="How was your visit")).to_be_visible()


def answer(page: Page | FrameLocator, points: Mapping[str, str]) -> None:
    """Click the answers: linkId to point on the scale, or to "Skip"."""
    for link_id, point in points.items():
        choose(page, link_id, point)


def choose(page: Page | FrameLocator, link_id: str, label: str) -> None:
    """Click one answer of one question by the words a person sees."""
    question(page, link_id).get_by_role("radio", name=re.compile(rf"^{label}\b")).click()


def question(page: Page | FrameLocator, link_id: str) -> Locator:
    """Return one question of the form."""
    return page.locator(f"#item-{link_id}")


def send(page: Page | FrameLocator) -> None:
    """Review the answers and send them; the thank-you page is open afterwards."""
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def wait_until_in_chart(page: Page) -> None:
    """Wait until the thank-you page says by itself that the answers are in the chart."""
    expect(page.locator("#state")).to_have_text("They are in your chart now.", timeout=IN_CHART_MS)


def allow(page: Page) -> None:
    """Allow the app what it asks for, on the EHR's consent page."""
    page.get_by_role("button", name="Allow", exact=True).click()


def enter_portal(page: Page, site: Site, patient: str) -> None:
    """Sign in to the sandbox EHR's portal as a patient."""
    page.goto(f"{site.ehr_url}/portal")
    page.get_by_label("I am").select_option(label=patient)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Hello")).to_be_visible()


def launch_at_home(page: Page) -> None:
    """Start the form from the portal, allow it, and choose today's visit."""
    page.get_by_role("link", name="Answer: How was your visit?").click()
    allow(page)
    page.get_by_role("button", name="today").click()
    expect(page.get_by_role("heading", name="How was your visit")).to_be_visible()


def open_results(page: Page) -> Locator:
    """Open the EHR's own Results tab and return the section of the visit that is on now."""
    page.bring_to_front()
    page.get_by_role("link", name="Results", exact=True).click()
    return page.locator("section.day", has=page.locator(".badge", has_text="today's visit"))
