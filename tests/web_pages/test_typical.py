"""The typical courses show what they are named after."""

import pytest
from typical import COURSES, typical

# How many marked ruptures and repairs of them are drawn.
MARKED = {"rupture-repaired": (1, 1), "rupture-unrepaired": (1, 0), "slow-slide": (1, 0)}


@pytest.mark.parametrize("name", COURSES)
def test_marked_ruptures_are_drawn_where_they_are(name: str) -> None:
    """A course with a rupture has one, repaired or not; a steady one, one visit, or gaps have none."""
    trend = typical(name).trend

    assert trend is not None
    marked = [sign.is_repair for sign in trend.drawing.signs if sign.is_marked]
    assert (marked.count(False), marked.count(True)) == MARKED.get(name, (0, 0))


def test_gaps_are_gaps() -> None:
    """A visit without an answer splits the line, and is neither a fall nor a value."""
    trend = typical("gaps").trend

    assert trend is not None
    assert len(trend.drawing.gaps) == 5
    assert len(trend.drawing.lines[0].strokes) == 2
