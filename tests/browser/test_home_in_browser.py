"""A patient at home: portal, consent, form, receipt, and the answer in their own results."""

from playwright.sync_api import Page, expect

from smart_app.demo.site import Site

from .people import CORE, allow, answer, enter_portal, launch_at_home, send, wait_until_in_chart


def test_a_patient_answers_at_home(site: Site, page: Page) -> None:
    """From the portal, by clicking only, the answer gets into the patient's results; the visit is not asked again."""
    enter_portal(page, site, "Linh Nguyễn")
    launch_at_home(page)
    expect(page.get_by_text("Dr. Ruth Abramowitz will see your answers")).to_be_visible()

    answer(page, dict(zip(CORE, ("4", "5", "6", "4", "5", "Skip"), strict=True)))
    send(page)
    wait_until_in_chart(page)

    page.goto(f"{site.ehr_url}/portal")
    today = page.locator(".card", has=page.locator(".badge", has_text="today's visit"))
    expect(today).to_contain_text("Visit check-in core score")
    expect(today).to_contain_text("4.8")

    page.goto(f"{site.app_url}/start/harbor")
    allow(page)
    expect(page.get_by_role("heading", name="No form is waiting")).to_be_visible()
