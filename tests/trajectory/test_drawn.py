"""Ruptures and repairs as they are drawn: at most one sign for a rating, and a fall drawn once."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.trajectory.drawn import signs_of

SCALE = shipped().instrument("visit-check-in").scales[0]
RATINGS = st.lists(st.decimals(min_value=0, max_value=10, places=1), max_size=40)


def decimals(text: str) -> list[Decimal]:
    """Return ratings from words."""
    return [Decimal(word) for word in text.split()]


@pytest.mark.parametrize(
    ("ratings", "drawn"),
    [
        # Without a reference sample a fall of 1.0 is possible and one of 2.0 marked.
        ("8 8 8 8 8 8", []),
        ("8 8 7 7", [(3, False, "small fall")]),
        ("8 8 7 8", [(3, False, "small fall"), (4, True, "risen again")]),
        ("8 8 7 7 7 7 7 7", [(3, False, "small fall")]),
        ("8 8 5 7.9", [(3, False, "marked rupture"), (4, True, "repaired")]),
        ("8 8 5 8", [(3, False, "marked rupture"), (4, True, "fully repaired")]),
        ("8 8 5 5 5 5 5 5", [(3, False, "marked rupture, unrepaired")]),
        # Falling in two steps opens a possible and a marked episode: one fall, drawn once.
        ("8 8 7 6 6", [(4, False, "marked rupture, open")]),
        # A small fall long before a marked one is another fall.
        (
            "8 8 7 8 8 8 8 8 8 5 8",
            [
                (3, False, "small fall"),
                (4, True, "risen again"),
                (10, False, "marked rupture"),
                (11, True, "fully repaired"),
            ],
        ),
        # The rise to 9 is the repair, though it lies 1 under the 10 of before.
        ("10 4 5 9 8 10", [(2, False, "marked rupture"), (4, True, "repaired")]),
        # The fall to 4.75 is marked only at the last rating, where the small one has just been given up: the same fall.
        (
            "10 9 7 10 4.75 5.75 5.75 5.75 5.25 5",
            [(3, False, "marked rupture"), (4, True, "fully repaired"), (10, False, "marked rupture, open")],
        ),
        ("", []),
        ("3", []),
    ],
)
def test_what_is_drawn(ratings: str, drawn: list[tuple[int, bool, str]]) -> None:
    """A rupture stands where it opened, a repair where it came; only a marked one has its ending in words."""
    assert [(each.rating, each.is_repair, each.words) for each in signs_of(decimals(ratings), SCALE)] == drawn


@pytest.mark.parametrize("changed", [{"more_is_better": False}, {"minimum": Decimal(0), "maximum": Decimal(0)}])
def test_nothing_is_drawn_where_nobody_knows(changed: dict[str, Any]) -> None:
    """Where less is better, nobody has said what is, or what the ends of the scale are, no fall is a rupture."""
    assert signs_of(decimals("8 8 7 8 8 3"), replace(SCALE, **changed)) == ()


@settings(deadline=None)
@given(RATINGS)
def test_one_sign_for_a_rating(ratings: list[Decimal]) -> None:
    """No two signs cover each other, and a repair follows its rupture."""
    signs = signs_of(ratings, SCALE)

    places = [each.rating for each in signs]
    assert places == sorted(set(places))
    assert all(1 <= place <= len(ratings) for place in places)
    assert all(not before.is_repair for before, sign in pairwise(signs) if sign.is_repair)
    assert not signs or not signs[0].is_repair
