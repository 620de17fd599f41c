"""One visit as its people see it: chart, handover, form, receipt, Results tab, trend."""

from playwright.sync_api import Page, expect

from smart_app.demo.site import Site

from .conftest import NewContext
from .people import (
    CORE,
    answer,
    begin,
    choose,
    hand_over,
    launch,
    open_patient,
    open_results,
    send,
    sign_in,
    wait_until_in_chart,
)


def test_a_visit_from_chart_to_chart(site: Site, new_context: NewContext) -> None:
    """By clicking only: the clinician hands over, the patient answers, and the answer is in the chart and the trend."""
    context, watch = new_context(viewport={"width": 1280, "height": 900})
    clinician = context.new_page()
    sign_in(clinician, site)
    open_patient(clinician, site, "Maria Lopez")
    app = launch(clinician)
    visits_before = app.locator(".plot .visit").count()
    answered_before = app.locator("footer").inner_text()
    chart = clinician.frames[1].url
    invitation = hand_over(app)

    patient = context.new_page()
    begin(patient, invitation.link)
    answer(patient, dict(zip(CORE, ("8", "7", "6", "9", "8", "7"), strict=True)))
    choose(patient, "harder", "A little")
    choose(patient, "talk", "Yes")
    send(patient)
    expect(patient.get_by_role("heading", name="We have received your answers")).to_be_visible()
    wait_until_in_chart(patient)

    # The window that was handed over reaches nothing of the clinician's, and the frame it came from has closed.
    patient.goto(chart)
    expect(patient.get_by_role("heading", name="This page has closed")).to_be_visible()
    assert "Lopez" not in patient.content()
    app.get_by_role("link", name="Back without handing over").click()
    expect(app.get_by_role("heading", name="Handed over")).to_be_visible()
    watch.forgive("401")

    today = open_results(clinician)
    panel = today.locator("tr.panel", has_text="Visit check-in")
    expect(panel.first).to_contain_text("Final")
    core = today.locator("tr.depth-1", has_text="Visit check-in core score")
    expect(core.first).to_contain_text("7.5 score")
    app = launch(clinician)
    expect(app.locator("p.lead")).to_contain_text("7.5")
    assert app.locator(".plot .visit").count() == visits_before
    assert app.locator("footer").inner_text() != answered_before


def test_a_second_device_by_short_code(site: Site, page: Page, new_context: NewContext) -> None:
    """The short code, typed in small letters on another device, leads to the patient's form, and works once."""
    sign_in(page, site)
    open_patient(page, site, "Kwame Boateng")
    invitation = hand_over(launch(page))
    context, watch = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = context.new_page()

    phone.goto(f"{site.app_url}/handover/")
    phone.get_by_label("The code on your therapist's screen").fill(invitation.short_code.lower())
    phone.get_by_role("button", name="Go on").click()
    phone.get_by_role("button", name="Yes, this is me").click()
    answer(phone, dict.fromkeys(CORE, "9"))
    send(phone)
    wait_until_in_chart(phone)

    phone.goto(f"{site.app_url}/handover/")
    phone.get_by_label("The code on your therapist's screen").fill(invitation.short_code)
    phone.get_by_role("button", name="Go on").click()
    expect(phone.get_by_role("alert")).to_be_visible()
    watch.forgive("status of 4")


def test_the_wrong_person_sees_nothing_more(site: Site, page: Page, new_context: NewContext) -> None:
    """Choosing "Not me" closes the page for good: going back shows nothing of the patient."""
    sign_in(page, site)
    open_patient(page, site, "Zoë Müller")
    invitation = hand_over(launch(page))
    context, watch = new_context()
    tablet = context.new_page()

    tablet.goto(invitation.link)
    tablet.get_by_role("button", name="Start").click()
    confirm = tablet.url
    tablet.get_by_role("button", name="Not me").click()
    expect(tablet.get_by_role("heading", name="This page has closed")).to_be_visible()
    tablet.go_back()
    expect(tablet.get_by_role("button", name="Yes, this is me")).to_have_count(0)
    tablet.goto(confirm)

    assert "Zoë" not in tablet.content()
    watch.forgive("status of 4")
