"""What the script adds to the pages, and that they work without it."""

import pytest
from playwright.sync_api import Browser, Page, expect

from .show import open_page, serve


def test_the_counter_follows_the_answers(page: Page) -> None:
    """Answered questions are counted; skipping one takes its answer back."""
    open_page(page, "form-core")
    first, second = page.get_by_role("group").nth(0), page.get_by_role("group").nth(1)

    first.get_by_label("7").check(force=True)
    second.get_by_label("10, completely true").check(force=True)
    expect(page.locator("#count")).to_have_text("2 of 6 answered")
    first.get_by_label("Skip").check(force=True)
    expect(page.locator("#count")).to_have_text("1 of 6 answered")


def test_a_conditional_question_appears_only_when_it_applies(page: Page) -> None:
    """With the script, the follow-up is there after "a little", and gone, and not sent, after "no"."""
    open_page(page, "form-core")
    harder, talk = page.locator("#item-harder"), page.locator("#item-talk")

    expect(talk).to_be_hidden()
    harder.get_by_label("A little").check(force=True)
    expect(talk).to_be_visible()
    expect(talk.get_by_label("Yes")).to_be_enabled()
    harder.get_by_label("No").check(force=True)
    expect(talk).to_be_hidden()
    expect(talk.locator("input").first).to_be_disabled()


def test_a_line_has_no_mark_until_one_is_made(page: Page) -> None:
    """Nothing is suggested; a click or an arrow key makes the mark, and skipping takes it away."""
    open_page(page, "form-lines")
    item = page.locator("#item-1")
    line, field, skip = item.get_by_role("slider"), item.locator("input[type=text]"), item.get_by_label("Skip")

    expect(line).to_have_attribute("aria-valuetext", "no answer yet")
    expect(field).to_be_hidden()
    line.click()
    expect(field).to_have_value("5")
    expect(page.locator("#count")).to_have_text("2 of 4 answered")
    page.keyboard.press("ArrowRight")
    expect(field).to_have_value("5.1")
    expect(line).to_have_attribute("aria-valuetext", "5.1")
    skip.check(force=True)
    expect(field).to_have_value("")
    expect(line).to_have_attribute("aria-valuetext", "no answer yet")
    line.press("ArrowLeft")
    expect(skip).not_to_be_checked()


def test_without_a_script_a_line_is_a_number(plain_page: Page) -> None:
    """Without JavaScript a number with its two ends in words is asked for."""
    open_page(plain_page, "form-lines")
    field = plain_page.get_by_label("A number from 0 (My question came up short) to 10 (My question was heard in full)")

    expect(field).to_be_visible()


def test_conditions_on_numbers_texts_and_one_another(page: Page) -> None:
    """A number opens a remark, a written answer the next question; what is not asked opens nothing."""
    open_page(page, "form-kinds")
    remark, written, last = page.locator(".remark").nth(1), page.locator("textarea"), page.locator("#item-last")
    interrupted = page.locator("#item-break")

    expect(remark).to_be_hidden()
    page.get_by_label("A number from 0 to 40").fill("10")
    expect(remark).to_be_visible()
    interrupted.get_by_label("Yes").check(force=True)
    written.fill("A phone rang.")
    expect(last).to_be_visible()
    expect(page.locator("#count")).to_have_text("3 of 10 answered")
    interrupted.get_by_label("No").check(force=True)
    expect(written).to_be_hidden()
    expect(last).to_be_hidden()
    expect(page.locator("#count")).to_have_text("2 of 8 answered")


def test_a_heading_over_nothing_is_not_shown(page: Page) -> None:
    """A group whose questions do not apply hides with them, and comes back with them."""
    open_page(page, "form-kinds")
    heading = page.get_by_role("heading", name="If it was far")

    expect(heading).to_be_hidden()
    page.get_by_label("A number from 0 to 40").fill("30")
    expect(heading).to_be_visible()


def test_to_write_is_not_to_skip(page: Page) -> None:
    """Writing takes a skip back, and skipping empties the field."""
    open_page(page, "form-kinds")
    field = page.get_by_label("A number from 0 to 40")
    skip = page.locator("#item-key").get_by_label("Skip")

    field.fill("7")
    skip.check(force=True)
    expect(field).to_have_value("")
    field.fill("8")
    expect(skip).not_to_be_checked()


def test_without_a_script_the_conditional_question_says_when_to_answer(plain_page: Page) -> None:
    """Without JavaScript the follow-up is always there, with its condition in words."""
    open_page(plain_page, "form-core")

    expect(plain_page.locator("#item-talk")).to_be_visible()
    expect(plain_page.locator("#item-talk legend")).to_contain_text("If you chose “a little” or “yes”:")


def test_digits_answer_the_focused_question(page: Page) -> None:
    """Typing 7 chooses 7; 1 and then 0 chooses 10; a letter chooses nothing."""
    open_page(page, "form-core")
    first, second = page.get_by_role("group").nth(0), page.get_by_role("group").nth(1)

    first.get_by_label("0, not true at all").focus()
    page.keyboard.press("x")
    assert first.locator("input:checked").count() == 0
    page.keyboard.press("7")
    second.get_by_label("0, not true at all").focus()
    page.keyboard.press("1")
    page.keyboard.press("0")

    chosen = [group.locator("input:checked").get_attribute("value") for group in (first, second)]
    assert chosen == ["7", "10"]


def test_problems_are_read_first_and_lead_to_their_questions(page: Page) -> None:
    """The summary has the focus, and each of its links shows the question with its own message."""
    open_page(page, "form-problems")

    expect(page.locator("#errors")).to_be_focused()
    page.locator("#errors a").first.click()
    expect(page.locator("#item-3 .problem")).to_be_in_viewport()


def test_the_receipt_says_by_itself_when_the_answers_are_in_the_chart(page: Page) -> None:
    """The live region changes its words, and the link to check again goes away."""
    open_page(page, "receipt-received")

    expect(page.locator("#state")).to_have_text("They are on their way to your chart.")
    expect(page.locator("#state")).to_have_text("They are in your chart now.")
    expect(page.locator("#again")).to_have_count(0)


def test_the_chart_is_one_stop_and_arrows_walk_it(page: Page) -> None:
    """One visit is in the tab order, the newest; arrow keys, Home and End move, and the read-out follows."""
    open_page(page, "chart")
    visits = page.locator(".plot:not(.strip) .visit")

    expect(page.locator('.plot:not(.strip) [tabindex="0"]')).to_have_count(1)
    visits.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(visits.nth(12)).to_be_focused()
    expect(visits.nth(12).locator(".read-out")).to_be_visible()
    expect(visits.last.locator(".read-out")).to_be_hidden()
    expect(visits.nth(12)).to_have_attribute(
        "aria-label", "Visit 13, Thu 5 Nov: Thomas 5.8 · therapist's guess 7.5: marked rupture, open"
    )
    page.keyboard.press("Home")
    expect(visits.first).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(visits.last).to_be_focused()


def test_each_small_chart_is_one_stop_with_its_values(page: Page) -> None:
    """A domain and another measure are walked like the trend; hover and focus read out one value, else the newest."""
    open_page(page, "chart")
    strip = page.locator(".strip", has_text="PHQ-9")
    values = strip.locator(".visit")

    expect(strip.locator('[tabindex="0"]')).to_have_count(1)
    expect(values.last.locator(".read-out")).to_be_visible()
    values.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(values.nth(-2)).to_be_focused()
    expect(values.nth(-2)).to_have_attribute("aria-label", "PHQ-9, 15 Oct: 10")
    expect(values.last.locator(".read-out")).to_be_hidden()
    values.nth(3).locator(".slice").hover()
    expect(values.nth(3).locator(".read-out")).to_be_visible()


def test_every_small_chart_shares_the_axis_of_the_trend(page: Page) -> None:
    """Goals at visit 9 stand exactly under visit 9, at every width."""
    for width in (320, 480, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        open_page(page, "chart")

        dots = page.locator(".strip", has_text="Goals").locator(".dot")
        marks = page.locator(".plot:not(.strip) .patient circle")
        under, above = dots.last.bounding_box(), marks.nth(7).bounding_box()
        assert under is not None
        assert above is not None
        assert under["x"] + under["width"] / 2 == pytest.approx(above["x"] + above["width"] / 2, abs=1)


def test_values_show_on_hover_and_the_newest_without(page: Page) -> None:
    """Pointing at a visit reads it out; otherwise the last answered visit is read out."""
    open_page(page, "chart")
    visits = page.locator(".plot:not(.strip) .visit")

    expect(visits.last.locator(".read-out")).to_be_visible()
    visits.nth(2).locator(".slice").hover()
    expect(visits.nth(2).locator(".read-out")).to_be_visible()
    expect(visits.last.locator(".read-out")).to_be_hidden()


def test_a_read_out_stays_inside_the_page(page: Page) -> None:
    """Whichever visit is read out at 320 px, its words are not cut off."""
    open_page(page, "chart")

    boxes = page.evaluate(
        "[...document.querySelectorAll('.read-out')].map(each => each.getBoundingClientRect())"
        ".map(box => [box.left, box.right])"
    )
    assert all(left >= 0 and right <= 320 for left, right in boxes)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("name", ["chart", "chart-due", "chart-alert", "chart-reasons", "chart-long", "chart-hundreds"])
def test_the_clinicians_view_prints_on_one_page(page: Page, name: str, paper: str) -> None:
    """Fourteen visits with both raters and other measures fit one page, and so does what is shown of three thousand."""
    open_page(page, name)

    assert page.pdf(format=paper).count(b"/Type /Page\n") == 1


def test_paper_leads_nowhere(page: Page) -> None:
    """On the printed view there is no link and no choice of a language: nobody can follow them there."""
    open_page(page, "chart-due")
    shown = page.locator("a:visible").count()

    page.emulate_media(media="print")
    printed = page.locator("a:visible").count()
    page.emulate_media(media="screen")

    assert (shown > 0, printed) == (True, 0)


def test_printing_is_offered_only_with_the_script(page: Page, plain_page: Page) -> None:
    """The print button does nothing without JavaScript, so then it is not there."""
    open_page(page, "chart")
    open_page(plain_page, "chart")

    expect(page.get_by_role("button", name="Print")).to_be_visible()
    expect(plain_page.get_by_role("button", name="Print")).to_be_hidden()


def test_the_text_for_a_note_is_copied(page: Page) -> None:
    """One press puts it on the clipboard, shows what it is, and says so."""
    open_page(page, "chart-reasons")
    field = page.get_by_label("For my note")
    expect(field).to_be_hidden()

    page.get_by_role("button", name="Copy for my note").click()

    expect(page.get_by_text("Copied.")).to_be_visible()
    expect(field).to_be_visible()
    field.evaluate("field => { const place = document.createElement('textarea'); field.after(place); place.focus(); }")
    page.keyboard.press("Control+V")
    assert page.evaluate("document.activeElement.value") == field.input_value()


def test_a_frame_that_may_not_copy_says_how(page: Page) -> None:
    """Where the browser copies nothing, the text is chosen, and the keys are named."""
    open_page(page, "chart-reasons")
    page.evaluate("document.execCommand = () => false")

    page.get_by_role("button", name="Copy for my note").click()

    expect(page.get_by_text("Press Ctrl+C")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == page.get_by_label("For my note").input_value()


def test_without_a_script_the_text_for_a_note_can_be_chosen(plain_page: Page) -> None:
    """Without JavaScript it stands in a field that nobody can change, and no button does nothing."""
    open_page(plain_page, "chart-reasons")
    field = plain_page.get_by_label("For my note")

    expect(field).to_be_visible()
    expect(field).not_to_be_editable()
    expect(plain_page.get_by_role("button", name="Copy for my note")).to_be_hidden()


def test_send_is_pressed_once(page: Page) -> None:
    """A second press of Send while the first is under way sends nothing."""
    open_page(page, "review")

    outcomes = page.evaluate(
        "(() => { const form = document.querySelector('[data-once]');"
        "form.addEventListener('submit', event => { outcomes.push(event.defaultPrevented); event.preventDefault(); });"
        "const outcomes = []; form.requestSubmit(); form.requestSubmit(); return outcomes; })()"
    )
    assert outcomes == [False, True]


def test_the_way_to_the_sign_in_is_gone_by_itself(page: Page) -> None:
    """The request to the EHR is posted without a press, under the product's policy; its button stays for the rest."""
    with page.expect_request("**/ehr/authorize") as sent:
        open_page(page, "go-on")

    assert (sent.value.method, sent.value.post_data) == ("POST", "scope=openid+fhirUser")
    expect(page.get_by_role("button", name="Go on to Harbor EHR")).to_be_visible()


VOICES = """
window.spoken = [];
const voice = (lang, localService) => ({ lang, localService });
Object.defineProperty(window, "speechSynthesis", { value: {
  getVoices: () => [%s], cancel() {}, speak: (said) => window.spoken.push([said.lang, said.text]),
} });
window.SpeechSynthesisUtterance = function (text) { this.text = text; };
"""


@pytest.mark.parametrize(("voices", "buttons"), [('voice("en-GB", true)', 7), ('voice("en-US", false)', 0), ("", 0)])
def test_questions_are_read_aloud_by_the_device_alone(browser: Browser, voices: str, buttons: int) -> None:
    """A voice of the device reads a question in its language; one that would send the words away is not offered."""
    page = browser.new_page()
    page.add_init_script(VOICES % voices)
    serve(page)
    open_page(page, "form-core")

    offered = page.get_by_role("button", name="Read aloud")

    assert offered.count() == buttons
    if buttons:
        offered.first.click()
        ((language, said),) = page.evaluate("window.spoken")
        assert language == "en"
        assert "I felt at ease with my therapist today." in said
        assert "not true at all" in said
    page.close()
