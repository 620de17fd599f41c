"""The alarm budget: what steady courses raise, and that a lasting drop is found; `make soak` does it at length."""

from math import sqrt

import pytest

from fhir_alliance.trajectory.seen import Name
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


def test_the_budget_holds_where_it_is_hardest() -> None:
    """Ratings that vary much and follow each other keep it too, with the rules that need the site's own figures."""
    courses = 2 * COURSES
    steady = rates(Kind(spread=1.2, correlation=0.3, figures=True), courses, SEED)

    # So few courses miss the true rate by chance: three standard errors of it are allowed for.
    assert steady.courses <= STEADY_PATIENTS + 3 * sqrt(STEADY_PATIENTS * (1 - STEADY_PATIENTS) / courses)
    assert steady.by_name.get(Name.EARLY, 0) + steady.by_name.get(Name.DIFFERING, 0) <= 0.02


def test_drops_are_found() -> None:
    """A lasting drop of two standard deviations is found by the twentieth visit in most courses."""
    fallen = rates(Kind(spread=0.8, correlation=0.0, drop=2.0), COURSES, SEED)

    assert fallen.later >= 0.45
    assert fallen.soon <= fallen.later
