"""Changing and taking back as people see it: on a phone at home, and in the clinician's frame."""

from playwright.sync_api import Page, expect

from smart_app.demo.site import Site

from .conftest import NewContext
from .people import (
    CORE,
    IN_CHART_MS,
    answer,
    choose,
    enter_portal,
    launch,
    launch_at_home,
    open_patient,
    open_results,
    send,
    sign_in,
    wait_until_in_chart,
)

PATIENT, THERAPIST = "José Hernández", "Dr. Ruth Abramowitz"


def answer_at_home(phone: Page, site: Site) -> None:
    """Let the patient answer at home, up to the receipt that says that the answers are in the chart."""
    enter_portal(phone, site, PATIENT)
    launch_at_home(phone)
    answer(phone, dict.fromkeys(CORE, "7"))
    send(phone)
    wait_until_in_chart(phone)


def test_changed_at_home_and_withdrawn_in_the_chart(site: Site, page: Page, new_context: NewContext) -> None:
    """The patient changes an answer, the chart shows it amended, and the clinician withdraws the form."""
    context, _ = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = context.new_page()
    answer_at_home(phone, site)

    phone.get_by_role("link", name="Change my answers").click()
    expect(phone.get_by_text("These are the answers you sent.")).to_be_visible()
    choose(phone, "1", "1")
    phone.get_by_role("button", name="Review").click()
    expect(phone.get_by_role("heading", name="Check your changed answers")).to_be_visible()
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_role("heading", name="We have received your changed answers")).to_be_visible()
    wait_until_in_chart(phone)

    sign_in(page, site, THERAPIST)
    open_patient(page, site, PATIENT)
    core = open_results(page).locator("tr.depth-1", has_text="Visit check-in core score")
    expect(core.first).to_contain_text("6 score")
    app = launch(page)
    app.get_by_text("Sent with this app").click()
    app.get_by_role("link", name="Wrong person, or a mistake?").first.click()
    expect(app.get_by_role("heading", name="Withdraw this form?")).to_be_visible()
    app.get_by_role("radio", name="the wrong person").click()
    app.get_by_role("button", name="Withdraw").click()
    app.get_by_text("Sent with this app").click()
    expect(app.locator("details.sent li").first).to_contain_text("withdrawn")

    phone.bring_to_front()
    phone.reload()
    expect(phone.locator("#state")).to_contain_text("marked as entered in error now", timeout=IN_CHART_MS)


def test_the_heading_of_a_receipt_follows(site: Site, new_context: NewContext) -> None:
    """Left open, the page of what was taken back says so at its head, too, when the chart does."""
    phone = new_context()[0].new_page()
    answer_at_home(phone, site)

    phone.get_by_role("link", name="Take them back").click()
    phone.get_by_role("button", name="Take them back").click()

    expect(phone.get_by_role("heading", name="You took these answers back.")).to_be_visible(timeout=IN_CHART_MS)
