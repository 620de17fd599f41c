"""How many visits are shown: what is offered, what was chosen, and that every panel follows."""

from datetime import date, timedelta

import pytest
from course_samples import COURSE, HUNDREDS, TODAY
from page_samples import companions, thomas_chart

from smart_app.web.pages.strips import share_of
from smart_app.web.pages.window import MOST, window_of
from smart_app.web.pages.words import ago_words


@pytest.mark.parametrize(
    ("wanted", "count", "visits", "offered", "chosen"),
    [
        ("", 0, 0, [], None),
        ("", 1, 1, [], None),
        ("", 6, 6, [], None),
        ("", 7, 7, ["Last 6", "All 7"], "All 7"),
        ("6", 7, 6, ["Last 6", "All 7"], "Last 6"),
        ("12", 7, 7, ["Last 6", "All 7"], "All 7"),
        ("<b>", 14, 14, ["Last 6", "Last 12", "All 14"], "All 14"),
        ("", 36, 36, ["Last 6", "Last 12", "All 36"], "All 36"),
        ("", 37, 12, ["Last 6", "Last 12", "All 37"], "Last 12"),
        ("all", 37, 37, ["Last 6", "Last 12", "All 37"], "All 37"),
        ("all", 3000, MOST, ["Last 6", "Last 12", "Last 240"], "Last 240"),
    ],
)
def test_windows(wanted: str, count: int, visits: int, offered: list[str], chosen: str | None) -> None:
    """Only what makes a difference is offered; anything else in the address is the usual window."""
    window = window_of(wanted, count)

    assert window.visits == visits
    assert [choice.label for choice in window.choices] == offered
    assert next((choice.label for choice in window.choices if choice.chosen), None) == chosen
    assert bool(window.left_out) == (count > MOST)


def test_every_panel_follows() -> None:
    """Of fourteen visits the last six are drawn, listed and joined with what the record holds of that time."""
    page = thomas_chart(COURSE, "", last="6", companions=companions())

    assert page.trend is not None
    assert [column.visit.number for column in page.trend.drawing.columns] == ["9", "10", "11", "12", "13", "14"]
    assert [[each.visit.number for each in table.visits] for table in page.scores] == [[14, 13, 12, 10, 9]]
    assert [head.number for head in page.items.visits] == [9, 10, 12, 13, 14]
    assert {strip.name: len(strip.drawing.cells) for strip in page.domains}["goals"] == 1
    phq, _ = page.beside
    assert [cell.read_out for cell in phq.drawing.cells] == ["1 Oct: 13", "15 Oct: 10", "29 Oct: 9"]
    assert phq.drawing.cells[0].x == 0
    assert page.status.visits == 14


def test_what_is_found_does_not_depend_on_the_window() -> None:
    """A rupture of the last six visits is the one that all fourteen give: its reference lies before the window."""
    few, many = thomas_chart(COURSE, "", last="6").trend, thomas_chart(COURSE, "").trend

    assert few is not None
    assert many is not None
    said = [[column.visit.read_out for column in each.drawing.columns][-6:] for each in (few, many)]
    assert said[0] == said[1]


def test_hundreds_of_visits_are_told() -> None:
    """Of three hundred visits twelve are drawn, and at most 240, with a word about the rest."""
    usual, most = thomas_chart(HUNDREDS, "", visits=300), thomas_chart(HUNDREDS, "", visits=300, last="all")

    assert usual.trend is not None
    assert most.trend is not None
    assert [len(each.trend.drawing.columns) for each in (usual, most) if each.trend] == [12, MOST]
    assert most.window.left_out == "The oldest 60 of 300 visits are in the health record only."


@pytest.mark.parametrize(
    ("on", "share"),
    [
        (-30, 0.0),
        (0, 0.125),
        (7, 0.375),
        (10, 0.375 + 0.25 * 3 / 14),
        (21, 0.625),
        (28, 0.875),
        (33, 0.9375),
        (38, 1.0),
    ],
)
def test_a_day_has_its_place_among_the_visits(on: int, share: float) -> None:
    """A day between two visits lies between them by its date; before them all it is at the edge."""
    first = date(2026, 10, 5)
    days = [first + timedelta(days=each) for each in (0, 7, 21, 28)]

    assert share_of(first + timedelta(days=on), days, first + timedelta(days=38)) == pytest.approx(share)


def test_two_visits_on_one_day() -> None:
    """A day with two visits is the later one's place."""
    assert share_of(TODAY, [TODAY, TODAY], TODAY) == 0.75


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, ""),
        (13, ""),
        (14, "2 weeks ago"),
        (35, "5 weeks ago"),
        (62, "8 weeks ago"),
        (63, "2 months ago"),
        (365, "12 months ago"),
    ],
)
def test_how_old_the_last_answer_is(days: int, said: str) -> None:
    """From two weeks on the age of the last answer is said, rounded down."""
    assert ago_words(TODAY - timedelta(days=days), today=TODAY) == said
