"""The alarm budget: what steady courses raise, and that a lasting drop is found; `make soak` does it at length."""

import pytest

from tests.soak.courses import STEADY_PATIENTS, STEADY_VISITS, Kind, rates

COURSES = 200
SEED = 20261128


@pytest.mark.parametrize("figures", [False, True], ids=["no-figures", "own-figures"])
@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_steady_courses_keep_the_budget(correlation: float, figures: bool) -> None:
    """Few steady courses of 20 visits raise anything, with room to the budget of 2 % of visits, 10 % of patients."""
    steady = rates(Kind(spread=0.8, correlation=correlation, figures=figures), COURSES, SEED)

    assert steady.visits <= 0.8 * STEADY_VISITS
    assert steady.courses <= 0.9 * STEADY_PATIENTS


def test_drops_are_found() -> None:
    """A lasting drop of two standard deviations is found by the twentieth visit in most courses."""
    fallen = rates(Kind(spread=0.8, correlation=0.0, drop=2.0), COURSES, SEED)

    assert fallen.later >= 0.45
    assert fallen.soon <= fallen.later
