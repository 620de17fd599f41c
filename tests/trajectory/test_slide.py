"""The weighted mean and the run rules against the worked numbers of reference 5.3."""

from decimal import Decimal

import pytest
from hypothesis import given

from fhir_alliance.trajectory.control import baseline
from fhir_alliance.trajectory.slide import Runs, WeightedMean, run_limits

from .cases import MOVES, SERIES, STRETCHES, alike, decimals, near, worked

COURSES = worked("courses")
CASE = COURSES["rupture"]


def means(values: list[Decimal], floor: Decimal = Decimal(0)) -> list[WeightedMean]:  # a frozen number
    """Return the weighted mean after each rating; none where there is no baseline."""
    base = baseline(values, floor=floor)
    if base is None:
        return []
    return [WeightedMean.over(base, values[:count]) for count in range(1, len(values) + 1)]


def test_worked_means() -> None:
    """The mean signals at sessions 6 to 8 and clears at session 9, with the reference's values and limits."""
    found = dict(enumerate(means(decimals(CASE["values"])), 1))

    for session, (mean, limit) in CASE["weighted_mean"].items():
        assert near(found[session].mean, mean)
        assert near(found[session].limit(), limit)
    assert [session for session, mean in found.items() if mean.is_low()] == CASE["low_weighted_mean"]


def test_mean_at_its_limit() -> None:
    """A mean that is just its limit does not lie under it: somebody who always answers alike is never low."""
    assert [mean.is_low() for mean in means([Decimal(7)] * 6)] == [False] * 6


@given(SERIES, STRETCHES, MOVES)
def test_another_unit(values: list[Decimal], stretch: Decimal, move: Decimal) -> None:
    """A scale that is stretched and moved stretches and moves mean and limit."""
    mine, theirs = means(values), means([stretch * value + move for value in values])

    for one, other in zip(mine, theirs, strict=True):
        assert one.mean is not None
        assert alike(stretch * one.mean + move, other.mean)
        assert alike(stretch * one.limit() + move, other.limit())


@given(SERIES)
def test_streaming(values: list[Decimal]) -> None:
    """The mean taken rating by rating is the weighted sum over all of them."""
    base = baseline([Decimal(20)] * 4, floor=Decimal(1))
    assert base is not None
    kept, count = Decimal("0.7"), len(values)
    batch = sum((Decimal("0.3") * kept ** (count - 1 - at) * value for at, value in enumerate(values)), Decimal(0))

    assert alike(WeightedMean.over(base, values).mean, batch + kept**count * base.centre)


@pytest.mark.parametrize(("count", "limits"), COURSES["run_limits"].items())
def test_run_limits(count: int, limits: list[int]) -> None:
    """The longest run and the fewest crossings that chance explains are those of the reference."""
    assert list(run_limits(count)) == limits


def runs(values: str) -> Runs:
    """Return the runs of ratings that are above (+), below (-) or on (0) the centre."""
    found = Runs(centre=Decimal(0))
    for sign in values:
        found = found.after({"+": Decimal(1), "-": Decimal(-1), "0": Decimal(0)}[sign])
    return found


@pytest.mark.parametrize(
    ("values", "shifted"),
    [
        ("+", False),
        ("+-+---+-+-+-", False),
        ("+-+-++++++++", True),  # a run of 8 is more than 7
        ("+-+-+-------", False),  # a run of 7 is not
        ("++++++------", True),  # one crossing is fewer than 3
        ("+++---+++---", False),  # three are not
        ("++++0++++", True),  # what lies on the centre does not end a run
        ("+0-0+0-0-0-0+0-0+0-0+0-", False),  # what lies on the centre does not count
    ],
)
def test_runs(values: str, shifted: bool) -> None:
    """A run that is too long, or too few crossings, is a shift; ratings on the centre are left out."""
    assert runs(values).has_shifted is shifted


def test_runs_are_counted() -> None:
    """Ratings off the centre, changes of side, and the runs that they make are counted from the first rating on."""
    found = runs("++-0--+")

    assert (found.count, found.crossings, found.run, found.longest) == (6, 2, 1, 3)
    assert runs("").count == 0
