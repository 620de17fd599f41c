"""The early alliance and its dependability against reference 5.7, and POMP against 5.1."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.trajectory.early import EarlyAlliance, dependability, early_alliance

from .cases import decimals, near, worked

CASES = worked("persons")


@pytest.mark.parametrize(
    ("visits", "wanted"),
    [
        ([1], None),
        ([1, 2], (2, True)),
        ([1, 3], (2, False)),
        ([1, 2, 3, 4, 5], (4, False)),
        ([4, 5, 6], None),
        ([0, 1], None),
    ],
)
def test_early(visits: list[int], wanted: tuple[int, bool] | None) -> None:
    """Two of visits 1 to 4 are needed, later ones do not count, and before the third it is an estimate."""
    found = early_alliance((visit, Decimal(visit)) for visit in visits)

    early = [visit for visit in visits if visit <= 4]
    assert found == (
        wanted and EarlyAlliance(mean=Decimal(sum(early)) / len(early), ratings=wanted[0], is_estimate=wanted[1])
    )


def test_dependability() -> None:
    """The dependability of means of one to five ratings is that of the reference."""
    one = Decimal(CASES["dependability"]["one"])

    for ratings, wanted in enumerate(decimals(CASES["dependability"]["of"]), 1):
        assert near(dependability(one, ratings), wanted)


@pytest.mark.parametrize("case", CASES["pomp"], ids=lambda case: case["score"])
def test_percent_of_maximum(check_in: Instrument, case: dict[str, Any]) -> None:
    """A score in percent of the maximum possible is that of the reference."""
    scale = replace(check_in.scales[0], minimum=Decimal(case["minimum"]), maximum=Decimal(case["maximum"]))

    assert near(scale.pomp(Decimal(case["score"])), case["pomp"])
