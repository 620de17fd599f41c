"""The person's own control chart against the worked numbers of reference 5.3, and the laws it keeps."""

from decimal import Decimal

import pytest
from hypothesis import given

from fhir_alliance.trajectory.control import ControlChart, baseline, floor_of

from .cases import MOVES, RATINGS, SERIES, STRETCHES, alike, decimals, near, worked

CASE = worked("courses")["rupture"]
VALUES = decimals(CASE["values"])
NO_FLOOR = Decimal(0)


def charts(values: list[Decimal], floor: Decimal = NO_FLOOR) -> list[ControlChart]:
    """Return the chart after each rating."""
    chart, found = ControlChart(floor=floor), []
    for value in values:
        chart = chart.after(value)
        found.append(chart)
    return found


def test_worked_baseline() -> None:
    """Centre, sigma, limits and the limit of a step are those of the reference."""
    base = baseline(VALUES, floor=NO_FLOOR)

    assert base is not None
    wanted = CASE["baseline"]
    assert near(base.centre, wanted["centre"])
    assert near(base.sigma, wanted["sigma"])
    assert near(base.below(Decimal(3)), wanted["low"])
    assert near(base.above(Decimal(3)), wanted["high"])
    assert near(base.below(Decimal(2)), wanted["warning"])
    assert near(base.largest_move, wanted["largest_move"])


def test_worked_signals() -> None:
    """Sessions 6 and 7 lie outside three sigmas, and only the step to session 6 is too large."""
    found = charts(VALUES)

    low = [number for number, chart in enumerate(found, 1) if chart.below is not None and chart.below > 3]
    assert low == CASE["outside_three_sigma"]
    assert [number for number, chart in enumerate(found, 1) if chart.moved] == CASE["moved"]


def test_four_ratings_are_needed() -> None:
    """Three ratings give no baseline; the fifth is compared with the first four, all later ones with the first five."""
    found = charts(VALUES)

    assert baseline(VALUES[:3], floor=NO_FLOOR) is None
    assert [chart.against for chart in found[:4]] == [None] * 4
    assert found[4].against is not None
    assert (found[4].against.centre, found[4].moved) == (Decimal("35.5"), False)
    assert found[4].against == baseline(VALUES[:4], floor=NO_FLOOR)
    assert {chart.against for chart in found[5:]} == {baseline(VALUES[:5], floor=NO_FLOOR)}


def test_ceiling() -> None:
    """Somebody who always answers 40 has a sigma of 5 % of the range, so that a slip of 3 of 40 is no signal."""
    floor = floor_of(Decimal(0), Decimal(40))
    found = charts(decimals([40] * 5 + [37]), floor)

    assert found[-1].below == Decimal("1.5")
    assert not found[-1].moved
    assert charts(decimals([40] * 5 + [37]))[-1].below is None


@pytest.mark.parametrize(
    ("first", "value", "moved"),
    [
        # Steps of 1 and of 0.25: the limits are 3.267 and 0.81675.
        ("10 11 10 11", "14.267", False),
        ("10 11 10 11", "14.268", True),
        ("10 11 10 11", "7.732", True),
        ("5 5.25 5 5.25", "6.06675", False),
        ("5 5.25 5 5.25", "6.1", True),
    ],
)
def test_step_at_the_limit(first: str, value: str, moved: bool) -> None:
    """A step up or down is too large beyond the limit, however small that is; the limit itself is not beyond it."""
    assert charts(decimals([*first.split(), value]))[-1].moved is moved
    assert not ControlChart(floor=NO_FLOOR).moved


def test_floor_is_a_share_of_the_range() -> None:
    """On a scale that does not begin at 0 the least sigma is 5 % of what lies between its ends."""
    assert floor_of(Decimal(1), Decimal(5)) == Decimal("0.2")


@given(SERIES, RATINGS)
def test_no_look_ahead(values: list[Decimal], later: Decimal) -> None:
    """What the chart says of a visit does not change when a later one arrives."""
    assert charts([*values, later])[: len(values)] == charts(values)


@given(SERIES, STRETCHES, MOVES)
def test_another_unit(values: list[Decimal], stretch: Decimal, move: Decimal) -> None:
    """A scale that is stretched and moved gives the same distances in sigmas."""
    floor = Decimal(2)
    mine, theirs = charts(values, floor), charts([stretch * value + move for value in values], stretch * floor)

    assert all(alike(one.below, other.below) for one, other in zip(mine, theirs, strict=True))
    assert [chart.moved for chart in mine] == [chart.moved for chart in theirs]
