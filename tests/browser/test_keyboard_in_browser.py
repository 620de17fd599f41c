"""The form without a mouse, and without a script."""

import re

from playwright.sync_api import Locator, Page, expect

from smart_app.demo.site import Site

from .conftest import NewContext
from .people import CORE, Invitation, answer, begin, choose, hand_over, launch, open_patient, question, send, sign_in

FOCUSED = ":focus:not([type=radio]), [type=radio]:focus + span"  # a radio button is drawn by the element beside it
MOST_STOPS = 60


def invite(page: Page, site: Site, patient: str, form: str = "core") -> Invitation:
    """Hand a form over to a patient of Dr. Calloway."""
    sign_in(page, site, "Dr. James Calloway")
    open_patient(page, site, patient)
    return hand_over(launch(page), form=form)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; every stop on the way must show that it has it."""
    expect(target).to_be_attached()
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        expect(page.locator(FOCUSED)).to_have_css("outline-width", "3px")
        if target.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"Tab never reached {target}")


def press(page: Page, button: str) -> None:
    """Reach a button with Tab and press it; the page it leads to is open afterwards."""
    tab_to(page, page.get_by_role("button", name=button))
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_form_with_the_keyboard_alone(site: Site, page: Page, new_context: NewContext) -> None:
    """From the one-time link to the thank-you page without a mouse; the focus can be seen at every stop."""
    invitation = invite(page, site, "Petr Novák")
    tablet = new_context()[0].new_page()
    tablet.goto(invitation.link)

    tab_to(tablet, tablet.get_by_role("link", name="Skip to the page"))
    tablet.keyboard.press("Enter")
    expect(tablet.locator("main")).to_be_focused()
    press(tablet, "Start")
    press(tablet, "Yes, this is me")
    expect(tablet.get_by_role("heading", name="How was your visit")).to_be_visible()
    for link_id in CORE:
        tab_to(tablet, question(tablet, link_id).get_by_role("radio").first)
        tablet.keyboard.press("8")
        tablet.keyboard.press("ArrowLeft")
    press(tablet, "Review")
    expect(tablet.locator(".answer", has_text="7")).to_have_count(len(CORE))
    press(tablet, "Send")

    expect(tablet.get_by_role("heading", name="Thank you")).to_be_visible()


def test_enter_in_an_answer_goes_to_the_review(site: Site, page: Page, new_context: NewContext) -> None:
    """The buttons above the form, for a language and for large print, are pressed by Enter on themselves only."""
    tablet = new_context()[0].new_page()
    begin(tablet, invite(page, site, "Petr Novák").link)
    choose(tablet, "1", "7")

    tablet.keyboard.press("Enter")
    expect(tablet.get_by_role("heading", name="Check your answers")).to_be_visible()
    tablet.go_back()
    tablet.get_by_role("button", name="Larger print").focus()
    tablet.keyboard.press("Enter")

    expect(tablet.locator("html.large")).to_be_attached()
    expect(question(tablet, "1").locator("input:checked")).to_have_value("7")


def test_the_form_without_a_script(site: Site, page: Page, new_context: NewContext) -> None:
    """With JavaScript switched off the long form is confirmed, answered, reviewed, changed, sent and followed."""
    tablet = new_context(java_script_enabled=False)[0].new_page()
    begin(tablet, invite(page, site, "Lucia Ferrari", form="full").link)
    answer(tablet, {str(number): str(number % 11) for number in range(1, 13)})
    choose(tablet, "harder", "Yes")
    choose(tablet, "talk", "No")
    tablet.get_by_role("button", name="Review").click()
    tablet.get_by_role("link", name="Change").nth(11).click()
    choose(tablet, "12", "9")

    send(tablet)

    expect(tablet.get_by_role("heading", name="We have received your answers")).to_be_visible()
    expect(tablet.locator("#state")).to_have_text(re.compile("on their way to your chart|in your chart now"))
