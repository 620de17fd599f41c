"""The worked examples of the methods, as files computed by hand from reference section 5, and the ratings for laws."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from fhir_alliance.trajectory.ruptures import Yardstick

FOLDER = Path(__file__).parent.parent / "cases" / "trajectory"

# Quarters from 0 to 40: sums of them are exact, so that equal means equal.
RATINGS = st.integers(0, 160).map(lambda quarters: Decimal(quarters) / 4)
SERIES = st.lists(RATINGS, min_size=1, max_size=25)
# A scale that is stretched and moved: powers of two keep everything exact.
STRETCHES = st.sampled_from([Decimal("0.25"), Decimal("0.5"), Decimal(2), Decimal(8)])
MOVES = st.integers(-50, 50).map(Decimal)


def worked(name: str) -> dict[str, Any]:
    """Return one file of worked examples."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return found


def decimals(values: Iterable[object]) -> list[Decimal]:
    """Return written numbers as decimals."""
    return [Decimal(str(value)) for value in values]


def yardstick(written: dict[str, str]) -> Yardstick:
    """Return the yardstick of a case."""
    return Yardstick(between=Decimal(written["between"]), error=Decimal(written["error"]))


def near(value: Decimal | None, written: object) -> bool:
    """Whether a value, rounded to as many decimals as are written, is what is written."""
    wanted = Decimal(str(written))
    return value is not None and round(value, -int(wanted.as_tuple().exponent)) == wanted


def alike(one: Decimal | None, other: Decimal | None) -> bool:
    """Whether two values are the same but for the last digits of a division."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= Decimal("1e-18") * max(1, abs(one), abs(other))
