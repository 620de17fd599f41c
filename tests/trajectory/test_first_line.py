"""The first line states what was rated and compares it with the person's own usual range."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.trajectory.first_line import first_line, one_decimal
from fhir_alliance.trajectory.series import Rating
from fhir_alliance.trajectory.usual import usual_range


def ratings(*values: str) -> list[Rating]:
    """Return one rating a week."""
    return [Rating(visit=n, day=f"day {n}", value=Decimal(value)) for n, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], "No answers yet."),
        (["7.25"], "Last answer (day 1): 7.3. One answered visit so far. A usual range needs four."),
        (["7", "8"], "Last answer (day 2): 8.0. Two answered visits so far. A usual range needs four."),
        (["7", "8", "9"], "Last answer (day 3): 9.0. Three answered visits so far. A usual range needs four."),
        (
            ["7", "8", "7", "8"],
            "Last answer (day 4): 8.0. Four answered visits so far. The next can be compared with them.",
        ),
        (
            ["7", "8", "7", "8", "7.5"],
            "Last answer (day 5): 7.5. Thomas rated the last visit within the usual 5.7 to 9.3 (visits 1 to 4).",
        ),
        (
            ["8", "8", "8", "8", "8", "6", "5"],
            "Last answer (day 7): 5.0. Thomas rated the last 2 visits below the usual 7.0 to 9.0 (visits 1 to 5).",
        ),
        (
            ["8", "8", "8", "8", "8", "5", "9.5"],
            "Last answer (day 7): 9.5. Thomas rated the last visit above the usual 7.0 to 9.0 (visits 1 to 5).",
        ),
        (
            ["8", "8", "8", "8", "8", "7"],  # the end of the range is in it
            "Last answer (day 6): 7.0. Thomas rated the last visit within the usual 7.0 to 9.0 (visits 1 to 5).",
        ),
        (
            ["8", "8", "8", "8", "8", "9"],
            "Last answer (day 6): 9.0. Thomas rated the last visit within the usual 7.0 to 9.0 (visits 1 to 5).",
        ),
        (
            ["8", "8", "8", "8", "5", "5"],  # what made the range is not compared with it
            "Last answer (day 6): 5.0. Thomas rated the last visit below the usual 6.1 to 8.7 (visits 1 to 5).",
        ),
    ],
)
def test_sentence(check_in: Instrument, values: list[str], line: str) -> None:
    """From no answer to a long course, the sentence says how many visits it speaks of."""
    assert first_line("Thomas", ratings(*values), check_in.scales[0]) == line


def test_worked_control_chart(check_in: Instrument) -> None:
    """34, 36, 35, 37, 36 on a scale of 0 to 10 tenfold: centre 35.6, sigma 1.3298, so two sigma is 32.94 to 38.26."""
    found = usual_range(ratings("3.4", "3.6", "3.5", "3.7", "3.6", "9.9"), check_in.scales[0])

    # Sigma 0.133 is under the floor of 0.5, so the range is one point to each side.
    assert found is not None
    assert (found.low, found.high) == (Decimal("2.56"), Decimal("4.56"))
    assert (found.first_visit, found.last_visit) == (1, 5)


def test_range_stays_on_the_scale(check_in: Instrument) -> None:
    """Somebody who always answers 10 has a usual range that ends at 10, and one that always answers 0 from 0 on."""
    high, low = (usual_range(ratings(*[value] * 5), check_in.scales[0]) for value in ("10", "0"))

    assert high is not None
    assert low is not None
    assert (high.low, high.high) == (Decimal(9), Decimal(10))
    assert (low.low, low.high) == (Decimal(0), Decimal(1))


def test_range_of_a_scale_without_ends(check_in: Instrument) -> None:
    """Where nobody has said how far a score goes, the usual range is what the ratings give."""
    scale = replace(check_in.scales[0], minimum=Decimal(0), maximum=Decimal(0))

    found = usual_range(ratings("30", "34", "30", "34", "30"), scale)

    assert found is not None
    assert (round(found.low, 2), round(found.high, 2)) == (Decimal("24.51"), Decimal("38.69"))
    below = usual_range(ratings("0", "4", "0", "4", "0"), scale)
    assert below is not None
    assert round(below.low, 2) == Decimal("-5.49")


def test_real_minus() -> None:
    """A negative number is written with a minus sign, not a hyphen."""
    assert one_decimal(Decimal("-1.25")) == "−1.3"
    assert [one_decimal(Decimal(zero)) for zero in ("-0.0", "0", "-0.04", "0.04")] == ["0.0"] * 4
