"""Two people's forms open in one browser: each answer is about its own patient, or about nobody."""

from playwright.sync_api import FrameLocator, Locator, Page, expect

from smart_app.demo.site import Site

from .conftest import NewContext
from .people import (
    CORE,
    IN_CHART_MS,
    answer,
    begin,
    hand_over,
    launch,
    open_patient,
    open_results,
    send,
    sign_in,
)


def rate(page: Page, site: Site, patient: str) -> FrameLocator:
    """Launch the app for a patient and open the therapist's own form in its frame."""
    open_patient(page, site, patient)
    app = launch(page)
    app.get_by_role("link", name="Rate as").click()
    expect(app.get_by_role("heading", name=f"How did {patient.partition(' ')[0]} see the visit")).to_be_visible()
    return app


def core_guess(page: Page) -> Locator:
    """Return the row of today's core score as guessed by the therapist, in the EHR's own Results tab."""
    return open_results(page).locator("tr", has_text="core score, therapist's guess")


def test_two_charts_in_two_tabs_never_mix(site: Site, new_context: NewContext) -> None:
    """Two charts in one browser, filled in and sent turn by turn: each score lands with its own patient."""
    context, _ = new_context()
    first, second = context.new_page(), context.new_page()
    sign_in(first, site, "Dr. Søren Lindqvist")
    grace = rate(first, site, "Grace Kim")
    samuel = rate(second, site, "Samuel Whitehorse")

    turns = ((first, grace, "2"), (second, samuel, "9"))
    for tab, app, point in turns:
        tab.bring_to_front()
        answer(app, dict.fromkeys(CORE, point))
    for button in ("Review", "Send"):
        for tab, app, _ in turns:
            tab.bring_to_front()
            app.get_by_role("button", name=button).click()
    for tab, app, _ in turns:
        tab.bring_to_front()
        expect(app.locator("#state")).to_have_text("They are in the chart now.", timeout=IN_CHART_MS)

    expect(core_guess(first)).to_contain_text("2 score")
    expect(core_guess(second)).to_contain_text("9 score")


def test_a_second_handover_ends_the_first(site: Site, new_context: NewContext) -> None:
    """A tablet handed to a second patient holds nothing of the first: the first form is closed, not mixed up."""
    desk, _ = new_context()
    clinician = desk.new_page()
    sign_in(clinician, site, "Dr. Mei-Ling Chen")
    links = []
    for patient in ("Rebecca Stone", "Nadia Haddad"):
        open_patient(clinician, site, patient)
        links.append(hand_over(launch(clinician)).link)
    tablet, watch = new_context()
    rebecca, nadia = tablet.new_page(), tablet.new_page()
    begin(rebecca, links[0])
    answer(rebecca, dict.fromkeys(CORE, "1"))
    begin(nadia, links[1])

    rebecca.bring_to_front()
    rebecca.get_by_role("button", name="Review").click()
    expect(rebecca.get_by_role("heading", level=1)).to_have_text("This page has closed")
    assert "Rebecca" not in rebecca.content()
    nadia.bring_to_front()
    answer(nadia, dict.fromkeys(CORE, "8"))
    send(nadia)
    watch.forgive("status of 4")

    expect(nadia.locator("#state")).to_have_text("They are in your chart now.", timeout=IN_CHART_MS)
    open_patient(clinician, site, "Nadia Haddad")
    expect(open_results(clinician).locator("tr", has_text="Visit check-in core score").first).to_contain_text("8 score")
    open_patient(clinician, site, "Rebecca Stone")
    expect(open_results(clinician)).to_have_count(0)
