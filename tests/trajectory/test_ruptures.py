"""Rupture and repair against the worked courses of reference 5.4, and the laws the rule keeps."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from fhir_alliance.trajectory.ruptures import Ending, Episode, Falls, Level, Yardstick, end_treatment, find_episodes

from .cases import MOVES, RATINGS, SERIES, STRETCHES, decimals, near, worked, yardstick

COURSES = worked("courses")
PLAIN = Yardstick(between=Decimal(2), floor=Decimal(1), error=Decimal(1))


def falls(values: list[Decimal], level: Level = Level.MARKED, measure: Yardstick = PLAIN) -> list[Falls]:
    """Return the watch after each rating."""
    watch, found = Falls(level=level, yardstick=measure), []
    for value in values:
        watch = watch.after(value)
        found.append(watch)
    return found


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("name", ["rupture", "slide"])
def test_worked_course(name: str, level: Level) -> None:
    """The episodes of each level open, turn and end where the reference says."""
    case = COURSES[name]

    found = find_episodes(decimals(case["values"]), level, yardstick(case["yardstick"]))

    assert [{**each._asdict(), "level": level} for each in found] == [{"level": level, **each} for each in case[level]]


def test_worked_spread() -> None:
    """The person's own spread before a session holds the changes up to the one before it, and no later one."""
    case = COURSES["rupture"]
    found = falls(decimals(case["values"]), Level.POSSIBLE, yardstick(case["yardstick"]))

    for session, spread in case["spread_before"].items():
        assert near(found[session - 2].own_spread, spread)
    for session, threshold in case["threshold_before"].items():
        assert near(found[session - 2].threshold, threshold)


def test_step_rule_would_miss_the_slide() -> None:
    """No step of the slide is as large as two spreads, so that only the best of six shows it."""
    values = decimals(COURSES["slide"]["values"])

    assert max(before - after for before, after in pairwise(values)) < 10


@pytest.mark.parametrize(
    ("values", "ending"),
    [
        ([40, 40, 30, 33], Ending.OPEN),
        ([40, 40, 30, 35], Ending.REPAIRED),
        ([40, 40, 30, 39], Ending.FULLY),
        ([40, 40, 30, 31, 31, 31, 31, 31], Ending.UNREPAIRED),
        ([40, 40, 30, 31, 31, 31, 29, 31], Ending.OPEN),  # the wait begins at the lowest
        ([40, 40, 30, 31, 31, 31, 30, 31], Ending.UNREPAIRED),  # and not anew where that is reached again
    ],
)
def test_endings(values: list[int], ending: Ending) -> None:
    """A fall stays open, is repaired in part or fully, or is given up five ratings after its lowest."""
    (episode,) = find_episodes(decimals(values), Level.MARKED, PLAIN)

    assert episode.ending is ending


@pytest.mark.parametrize(
    ("values", "opened"),
    [
        # The first 40 is the sixth before the 36, of which it is 4 above, and no more.
        ("40 39 38 37.5 37 37 36", [7]),
        ("40 39 38 37.5 37 37 36.25", []),
        # It is the seventh before this one.
        ("40 39 38 37.5 37 37 37 36", []),
    ],
)
def test_best_of_six(values: str, opened: list[int]) -> None:
    """A fall is taken from the best of the six ratings before, and opens where it is just the threshold."""
    assert [each.opened for each in find_episodes(decimals(values.split()), Level.MARKED, PLAIN)] == opened


@pytest.mark.parametrize(
    ("measure", "opened"),
    [
        # Without any spread there is nothing to measure a fall with.
        (Yardstick(between=Decimal(0)), []),
        (Yardstick(between=Decimal("0.25")), [3]),
        (Yardstick(between=Decimal("0.25"), floor=Decimal(1)), []),
        (Yardstick(between=Decimal("0.25"), floor=Decimal("0.5")), [3]),
    ],
)
def test_least_threshold(measure: Yardstick, opened: list[int]) -> None:
    """A fall of half a point is one, unless the floor is higher or nobody knows what to measure it with."""
    assert [each.opened for each in find_episodes(decimals(["8", "8", "7.5"]), Level.POSSIBLE, measure)] == opened


def test_own_spread_needs_three_changes() -> None:
    """Changes of -4, 4 and -4 have an SD of 4.6188; two changes have none. Without a known error only all is full."""
    found = falls(decimals([40, 36, 40, 36]))
    (episode,) = find_episodes(decimals([40, 30, "39.5"]), Level.MARKED, Yardstick(between=Decimal(2)))

    assert found[2].own_spread is None
    assert near(found[3].own_spread, "4.6188")
    assert episode.ending is Ending.REPAIRED


def test_end_of_treatment() -> None:
    """What is open when treatment ends was not repaired; what has ended stays as it was."""
    (episode,) = find_episodes(decimals([40, 40, 30]), Level.MARKED, PLAIN)
    (repaired,) = find_episodes(decimals([40, 40, 30, 40]), Level.MARKED, PLAIN)

    assert (end_treatment(episode, 3).ending, end_treatment(episode, 3).ended) == (Ending.UNREPAIRED, 3)
    assert end_treatment(repaired, 4) == repaired


def test_another_fall_after_the_first() -> None:
    """When an episode has ended the next may open, and both are told."""
    found = list(find_episodes(decimals([40, 40, 30, 40, 40, 40, 40, 40, 40, 25]), Level.MARKED, PLAIN))

    assert [(each.opened, each.ending) for each in found] == [(3, Ending.FULLY), (10, Ending.OPEN)]
    assert [each.drop for each in found] == [10, 15]


@given(SERIES, RATINGS)
def test_no_look_ahead(values: list[Decimal], later: Decimal) -> None:
    """What was said of a visit does not change when a later one arrives."""
    assert falls([*values, later])[: len(values)] == falls(values)


@given(SERIES)
def test_streaming(values: list[Decimal]) -> None:
    """The episodes found in the whole course are those that the watch told when they ended, and the open one."""
    told = [watch.episode for watch in falls(values) if watch.episode]
    kept = [each for at, each in enumerate(told) if each.ending is not Ending.OPEN or at == len(told) - 1]

    assert list(find_episodes(values, Level.MARKED, PLAIN)) == kept


@given(SERIES, STRETCHES, MOVES)
def test_another_unit(values: list[Decimal], stretch: Decimal, move: Decimal) -> None:
    """A scale that is stretched and moved has the same episodes at the same visits."""
    measure = Yardstick(between=2 * stretch, floor=stretch, error=stretch)
    mine = find_episodes(values, Level.MARKED, PLAIN)
    theirs = find_episodes([stretch * value + move for value in values], Level.MARKED, measure)

    assert [_where(each) for each in mine] == [_where(each) for each in theirs]


def _where(episode: Episode) -> tuple[Any, ...]:
    return episode.opened, episode.lowest, episode.ending, episode.ended
