"""Answers that never differ, and those that only look so."""

import pytest

from fhir_alliance.trajectory.alike import says_little

ITEMS = ("1", "2", "3")
TENS = {"1": "10", "2": "10", "3": "10"}
MIXED = {"1": "8", "2": "7", "3": "8"}
LONG = {**TENS, "4": "10"}


@pytest.mark.parametrize(
    ("given", "little"),
    [
        ([TENS] * 5, True),
        ([MIXED, *[TENS] * 5], True),
        ([MIXED] * 5, True),
        ([TENS, TENS, LONG, TENS, LONG], True),
        ([TENS] * 4, False),
        ([*[TENS] * 5, MIXED], False),
        ([*[TENS] * 4, {**TENS, "2": "9"}], False),
        ([MIXED, *[TENS] * 4], False),
        ([*[TENS] * 5, {"1": "10", "2": "10"}], False),
        ([*[TENS] * 5, None], False),
        ([TENS, TENS, LONG, TENS, {**TENS, "4": "9"}], False),
        ([], False),
    ],
)
def test_five_visits_alike(given: list[dict[str, str] | None], little: bool) -> None:
    """Five full answers running without a difference say little; four, a gap in one, or one that differs do not."""
    assert says_little(given, ITEMS) is little
