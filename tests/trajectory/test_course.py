"""One series followed visit by visit: constant state, no look-ahead, the same however the record is sorted."""

from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.trajectory.course import Course
from fhir_alliance.trajectory.ruptures import Yardstick
from fhir_alliance.trajectory.series import read_series, read_visits

from .cases import RATINGS, SERIES
from .test_series import encounter, score

START = Course.start(floor=Decimal(2), yardstick=Yardstick(between=Decimal(3)))


def states(values: list[Decimal]) -> list[Course]:
    """Return the course after each rating."""
    course, found = START, []
    for value in values:
        course = course.after(value)
        found.append(course)
    return found


def size(value: Any) -> int:
    """Return how many numbers and words a state holds."""
    if is_dataclass(value):
        return sum(size(getattr(value, field.name)) for field in fields(value))
    return sum(map(size, value)) if isinstance(value, tuple) else 1


@given(SERIES, RATINGS)
def test_no_look_ahead(values: list[Decimal], later: Decimal) -> None:
    """Nothing that was known after a visit changes when a later one arrives, and streaming equals the whole."""
    assert states([*values, later])[: len(values)] == states(values)
    assert START.over(values) == states(values)[-1]


@given(st.lists(RATINGS, min_size=12, max_size=12))
def test_constant_state(values: list[Decimal]) -> None:
    """After 240 ratings a course holds no more than it can after 12: a rating costs the same however many there are."""
    fullest = [*map(Decimal, (40, 39, 40, 39, 40, 39, 40, 39, 40, 39, 40)), Decimal(0)]

    assert size(START.over(values * 20)) <= size(START.over(fullest))


def test_baseline_of_five_comes_first() -> None:
    """How low a rating lies is told from the sixth on, against the first five, and so is the slide."""
    found = states([Decimal(value) for value in (34, 36, 35, 37, 36, 29, 31)])

    assert [each.standing is None for each in found] == [True] * 5 + [False] * 2
    assert [each.slide is None for each in found] == [True] * 4 + [False] * 3
    assert found[5].standing is not None
    assert found[5].standing.points == Decimal("6.6")
    assert found[6].before == found[5].standing


@given(st.permutations([score(day, value) for day, value in enumerate([7, 8, 7, 8.5, 7, 3, 9], 1)]))
def test_order_of_observations(check_in: Instrument, observations: list[dict[str, Any]]) -> None:
    """A chart that gives the same Observations in another order gives the same series, and so the same course."""
    visits = read_visits([encounter(day) for day in range(1, 8)], patient="maria")

    (series,) = read_series(observations, visits, check_in, patient="maria")

    assert series.values == tuple(map(Decimal, ("7", "8", "7", "8.5", "7", "3", "9")))
