"""Walks past every page that people can see; at each one, somebody may look."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from smart_app.demo.site import Site

from .people import (
    CORE,
    allow,
    answer,
    begin,
    enter_portal,
    hand_over,
    launch,
    open_patient,
    question,
    sign_in,
    wait_until_in_chart,
)

Look = Callable[[Page, str], None]
ABRAMOWITZ = "Dr. Ruth Abramowitz"


def tour_ehr(context: BrowserContext, site: Site, look: Look) -> None:
    """Walk through the sandbox EHR's own pages as a clinician."""
    page = context.new_page()
    page.goto(site.ehr_url)
    look(page, "ehr-sign-in")
    sign_in(page, site, ABRAMOWITZ)
    look(page, "ehr-patients")
    page.get_by_label("Name, MRN").fill("nobody")
    page.get_by_role("button", name="Filter").click()
    look(page, "ehr-nobody")
    open_patient(page, site, "Wilhelmina")
    for tab in ("Summary", "Visits", "Results", "Apps"):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.get_by_role("link", name=tab, exact=True)).to_have_attribute("aria-current", "page")
        look(page, f"ehr-{tab.lower()}")
    page.get_by_role("link", name="Results", exact=True).click()
    page.locator("table.results a").first.click()
    look(page, "ehr-answers")
    page.goto(f"{site.ehr_url}/patients/nobody")
    look(page, "ehr-refused")


def tour_clinician(context: BrowserContext, site: Site, look: Look) -> None:
    """Walk through the clinician's view inside the chart: trend, own form, handover."""
    page = context.new_page()
    sign_in(page, site, ABRAMOWITZ)
    open_patient(page, site, "David Cohen")
    app = launch(page)
    look(page, "chart-framed")
    app.get_by_role("link", name="Rate as").click()
    expect(app.get_by_role("heading", name="How did David see the visit")).to_be_visible()
    look(page, "guess-framed")
    answer(app, dict.fromkeys(CORE, "7"))
    app.get_by_role("button", name="Review").click()
    expect(app.get_by_role("heading", name="Check your answers")).to_be_visible()
    look(page, "guess-review-framed")
    app.get_by_role("button", name="Send").click()
    expect(app.get_by_role("heading", name="Thank you")).to_be_visible()
    look(page, "guess-receipt-framed")
    hand_over(launch(page))
    look(page, "handover-framed")


def tour_chart(context: BrowserContext, site: Site, look: Look) -> None:
    """Open the clinician's view in windows of its own: a rupture, a new therapist."""
    page = context.new_page()
    sign_in(page, site)
    for patient, course in (("Thomas Reyes", "rupture"), ("Carmen Delgado", "new-therapist")):
        open_patient(page, site, patient)
        page.get_by_role("link", name="Apps").click()
        with page.expect_popup() as opened:
            page.get_by_role("button", name="Open FHIR Alliance in a new window").click()
        expect(opened.value.locator("p.lead")).to_be_visible()
        look(opened.value, f"chart-{course}")
        opened.value.close()


def tour_patient(context: BrowserContext, site: Site, look: Look) -> None:
    """Fill in a handed-over form from code to receipt, with everything that can go another way."""
    clinician, page = context.new_page(), context.new_page()
    sign_in(clinician, site)
    open_patient(clinician, site, "Kwame Boateng")
    invitation = hand_over(launch(clinician), form="full")
    page.bring_to_front()
    page.goto(f"{site.app_url}/handover/")
    look(page, "code")
    page.get_by_label("The code").fill("AAA-AAA")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, "code-problem")
    page.goto(invitation.link)
    look(page, "start")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Is this you")).to_be_visible()
    look(page, "confirm")
    page.get_by_role("button", name="Yes, this is me").click()
    look(page, "form-full")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Send without answers")).to_be_visible()
    look(page, "review-empty")
    page.get_by_role("link", name="Back to the questions").click()
    answer(page, {"1": "8", "2": "7", "3": "Skip", "4": "10", "5": "0", "harder": "A little"})
    question(page, "4").get_by_role("radio", name="10").evaluate("radio => radio.value = '70'")
    page.get_by_role("button", name="Review").click()
    expect(page.locator("#errors")).to_be_visible()
    look(page, "form-problems")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    look(page, "review")
    page.get_by_role("button", name="Send").click()
    wait_until_in_chart(page)
    look(page, "receipt")
    page.goto(invitation.link)
    look(page, "code-used")


def tour_ways_out(context: BrowserContext, site: Site, look: Look) -> None:
    """Go where a form ends early, and where there is nothing."""
    clinician, page = context.new_page(), context.new_page()
    sign_in(clinician, site)
    open_patient(clinician, site, "Thomas Reyes")
    begin(page, hand_over(launch(clinician)).link)
    page.get_by_role("button", name="Not today").click()
    expect(page.get_by_role("heading", name="Not today")).to_be_visible()
    look(page, "not-today")
    for path, name in (
        ("/", "front"),
        ("/nowhere", "no-page"),
        ("/l/nothing/form", "closed"),
        ("/launch", "no-launch"),
    ):
        page.goto(f"{site.app_url}{path}")
        look(page, name)


def tour_home(context: BrowserContext, site: Site, look: Look) -> None:
    """Be a patient at home, and see the EHR's pages on the way."""
    page = context.new_page()
    page.goto(f"{site.app_url}/start/harbor")
    look(page, "ehr-who-are-you")
    page.goto(f"{site.app_url}/again/harbor")
    page.get_by_role("button", name=ABRAMOWITZ).click()
    look(page, "ehr-which-patient")
    page.goto(f"{site.ehr_url}/portal")
    look(page, "portal-sign-in")
    enter_portal(page, site, "Fatima Al-Hassan")
    look(page, "portal")
    page.get_by_role("link", name="Answer: How was your visit?").click()
    look(page, "ehr-consent")
    allow(page)
    expect(page.get_by_role("heading", name="A form is waiting")).to_be_visible()
    look(page, "home")
    page.get_by_role("button", name="today").click()
    expect(page.get_by_role("heading", name="How was your visit")).to_be_visible()
    look(page, "form-home")
    page.goto(f"{site.ehr_url}/auth/authorize?client_id=nobody")
    look(page, "ehr-unknown-app")


TOURS = (tour_ehr, tour_clinician, tour_chart, tour_patient, tour_ways_out, tour_home)
