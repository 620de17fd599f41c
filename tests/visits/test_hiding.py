"""Small counts: neither shown nor to be worked out from what is shown."""

from itertools import product

import pytest

from fhir_alliance.visits.hiding import FEWEST, hidden, hidden_part


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"a": 20, "b": 0}, {"a": 20, "b": 0}),
        ({"a": 20, "b": 2}, {"a": None, "b": None}),
        ({"a": 20, "b": 7, "c": 2}, {"a": 20, "b": None, "c": None}),
        ({"a": 20, "b": 4, "c": 4}, {"a": 20, "b": None, "c": None}),
        ({"a": 20, "b": 1, "c": 1}, {"a": None, "b": None, "c": None}),
        ({"a": 2, "b": 0}, {"a": None, "b": None}),
    ],
)
def test_what_is_hidden(parts: dict[str, int], expected: dict[str, int | None]) -> None:
    """A count of a few is hidden with another one, so that the total does not give it away."""
    assert hidden(parts) == expected


def test_no_few_can_be_worked_out() -> None:
    """Of all small tables none shows a count of a few, or leaves one or two to be found by subtraction."""
    for values in product(range(9), repeat=4):
        parts = dict(zip("abcd", values, strict=True))
        told = hidden(parts)
        secret = [name for name, count in told.items() if count is None]

        assert all(count is None or not 0 < count < FEWEST for count in told.values())
        if secret and len(secret) < len(parts):
            assert len(secret) >= 2
            assert sum(parts[name] for name in secret) >= FEWEST


@pytest.mark.parametrize(("part", "total", "expected"), [(6, 20, 6), (0, 20, 0), (3, 20, None), (18, 20, None)])
def test_a_part_of_a_total(part: int, total: int, expected: int | None) -> None:
    """A part is hidden when it, or what is left, is of a few."""
    assert hidden_part(part, total) == expected
