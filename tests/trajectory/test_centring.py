"""Within and between persons, and few ratings, against the worked numbers of reference 5.5."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from fhir_alliance.trajectory.centring import between_persons, shrunken_mean, within_person, within_so_far

from .cases import MOVES, RATINGS, SERIES, alike, decimals, near, worked

CASES = worked("persons")


@pytest.mark.parametrize("case", CASES["within"], ids=lambda case: str(case["mean"]))
def test_within_person(case: dict[str, Any]) -> None:
    """Each rating minus the person's mean is that of the reference."""
    assert list(within_person(decimals(case["values"]))) == case["within"]


def test_between_persons() -> None:
    """Each person's mean minus the mean of means is that of the reference, however many ratings each has."""
    courses = [decimals(case["values"]) for case in CASES["within"]]

    assert list(between_persons(courses)) == decimals(CASES["between"])
    assert list(between_persons([courses[0] * 3, courses[1]])) == decimals(CASES["between"])


@pytest.mark.parametrize("case", CASES["shrunken"], ids=lambda case: str(case["ratings"]))
def test_shrunken_mean(case: dict[str, Any]) -> None:
    """A mean of few ratings is drawn towards the mean of all as far as the reference says."""
    estimate, weight = shrunken_mean(
        Decimal(60), case["ratings"], of_all=Decimal(78), between_variance=Decimal(100), within_variance=Decimal(64)
    )

    assert near(weight, case["weight"])
    assert near(estimate, case["estimate"])


def test_no_rating() -> None:
    """Of somebody without a rating nothing is known but the mean of all."""
    found = shrunken_mean(Decimal(0), 0, of_all=Decimal(78), between_variance=Decimal(100), within_variance=Decimal(64))

    assert found == (Decimal(78), Decimal(0))


@given(SERIES, RATINGS)
def test_no_look_ahead(values: list[Decimal], later: Decimal) -> None:
    """On a live chart a visit is centred on earlier ones only: a later one changes nothing, the first has none."""
    found = list(within_so_far(values))

    assert list(within_so_far([*values, later]))[:-1] == found
    assert found[0] is None


def test_a_visit_is_no_part_of_its_own_mean() -> None:
    """The mean that a visit is centred on holds the visits before it, and not the visit itself."""
    assert list(within_so_far(decimals([70, 75, 80, 75]))) == [None, 5, Decimal("7.5"), 0]


@given(SERIES, MOVES)
def test_another_zero(values: list[Decimal], move: Decimal) -> None:
    """What lies within a person does not depend on where the scale begins."""
    moved = list(within_so_far([value + move for value in values]))

    assert all(alike(one, other) for one, other in zip(within_so_far(values), moved, strict=True))
