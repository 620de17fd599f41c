"""The pages in every state: accessible in the dark, and usable on a phone."""

from itertools import pairwise

import pytest
from kind_samples import KIND_PAGES
from page_states import PAGES
from playwright.sync_api import Page

from tests.browser.axe import violations

from .show import open_page

FORMS = [name for name in PAGES if name.startswith("form")]
SMALL = """
[...document.querySelectorAll('button:not(.vh), .button, .point, .word')].filter(each => each.checkVisibility())
  .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
  .filter(([_, box]) => box.width < 43.9 || box.height < 43.9).map(([words]) => words)
"""
ROWS = "new Set([...document.querySelector('.points').children].map(each => each.offsetTop)).size"


@pytest.mark.parametrize("name", PAGES)
def test_every_state_is_for_everybody(page: Page, name: str) -> None:
    """In the dark at 320 px no accessibility rule is broken, nothing is cut off, every target is 44 px large."""
    page.emulate_media(color_scheme="dark")
    open_page(page, name)

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("look", ["warm", "night"])
@pytest.mark.parametrize("name", ["chart", "form-full", "form-problems", "review", "receipt-in-chart"])
def test_the_look_of_an_ehr_is_for_everybody_too(page: Page, name: str, look: str) -> None:
    """With an EHR's colours, sizes and fonts no accessibility rule is broken, and what is told apart stays so."""
    open_page(page, f"{name}.{look}")

    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"warm": "rgb(243, 234, 217)", "night": "rgb(30, 30, 30)"}[look]
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize(
    "name",
    [
        "form-full",
        "form-kinds",
        "form-lines",
        "review",
        "receipt-open",
        "home",
        "confirm",
        "link-start",
        "tablet-form",
        "portals",
    ],
)
def test_large_print_is_for_everybody_too(page: Page, name: str) -> None:
    """At 320 px every text is 1.4 times as large, nothing is cut off, and no accessibility rule is broken."""
    size = "parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)"
    open_page(page, name)
    usual = page.evaluate(size)
    open_page(page, f"{name}.large")

    assert page.evaluate(size) == pytest.approx(1.4 * usual)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(SMALL) == []


def test_who_wants_the_dark_gets_our_own(page: Page) -> None:
    """A light look changes no colour for a person whose system is dark."""
    page.emulate_media(color_scheme="dark")
    open_page(page, "chart.warm")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 23, 28)"


@pytest.mark.parametrize("name", [name for name in FORMS if name not in KIND_PAGES])
def test_the_scale_stands_in_two_rows_on_a_phone_and_in_one_on_a_desk(page: Page, name: str) -> None:
    """0-5 and 6-10 on 320 px, eleven in a row from 560 px."""
    open_page(page, name)

    narrow = page.evaluate(ROWS)
    page.set_viewport_size({"width": 560, "height": 800})
    assert (narrow, page.evaluate(ROWS)) == (2, 1)


def test_on_a_phone_skipping_stands_beside_the_last_point_and_never_below_it(page: Page) -> None:
    """Skip has the cell after 10, so that it does not read as an end of the scale; the high end is below the 10."""
    open_page(page, "form-core")

    ten, skip = (page.locator(f"#item-1 [value='{value}']").bounding_box() for value in ("10", "skip"))
    high = page.locator("#item-1 .high").bounding_box()
    assert ten is not None
    assert skip is not None
    assert high is not None
    assert (skip["y"], skip["width"]) == (pytest.approx(ten["y"], abs=1), pytest.approx(ten["width"], abs=1))
    assert skip["x"] > ten["x"]
    assert high["y"] >= ten["y"] + ten["height"]
    assert high["x"] + high["width"] == pytest.approx(ten["x"] + ten["width"], abs=1)


def test_on_a_phone_the_core_score_is_seen_without_scrolling(page: Page) -> None:
    """The score stands beside its visit, inside the frame of the table."""
    open_page(page, "chart")

    score = page.locator(".scores .number").first.bounding_box()
    assert score is not None
    assert score["x"] + score["width"] < 280


@pytest.mark.parametrize("name", ["chart", "together"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_newest_answers_are_in_sight(page: Page, name: str, width: int) -> None:
    """However narrow the screen, the last visit's answers are seen at once, with the questions beside them."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, name)

    table = page.get_by_role("region", name="Answers by question")
    frame = table.bounding_box()
    newest = table.locator("tbody tr").first.locator("td").last.bounding_box()
    question = table.locator("tbody th").first.bounding_box()
    assert frame is not None
    assert newest is not None
    assert question is not None
    assert newest["x"] + newest["width"] <= frame["x"] + frame["width"] + 1
    assert question["x"] >= frame["x"] - 1
    assert newest["x"] >= question["x"] + question["width"] - 1


@pytest.mark.parametrize("name", ["chart", "chart-two", "chart-incomplete", "chart-long"])
@pytest.mark.parametrize("width", [320, 560, 960])
def test_dates_below_the_trend_never_touch(page: Page, name: str, width: int) -> None:
    """At the narrowest frame of each layout there is room between the dates."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, name)

    boxes: list[list[float]] = page.evaluate(
        "[...document.querySelectorAll('.when:nth-of-type(2)')].map(each => each.getBoundingClientRect())"
        ".filter(box => box.width).map(box => [box.left, box.right])"
    )
    assert boxes
    assert all(left - right >= 6 for (_, right), (left, _) in pairwise(boxes))
