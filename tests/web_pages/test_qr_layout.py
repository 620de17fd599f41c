"""The QR code as a path."""

import re

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_app.web.layout.qr import QUIET_ZONE, lay_out_modules

SQUARES = st.integers(1, 12).flatmap(
    lambda side: st.lists(st.lists(st.booleans(), min_size=side, max_size=side), min_size=side, max_size=side)
)


def painted(path: str) -> set[tuple[int, int]]:
    """Return the modules (x, y) a path fills."""
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path)
    return {(int(x) + step, int(y)) for x, y, length in runs for step in range(int(length))}


@settings(deadline=None)
@given(SQUARES)
def test_the_path_paints_exactly_the_dark_modules(rows: list[list[bool]]) -> None:
    """Every dark module is painted, no light one is, and the quiet zone stays white."""
    code = lay_out_modules(rows)

    dark = {(x + QUIET_ZONE, y + QUIET_ZONE) for y, row in enumerate(rows) for x, module in enumerate(row) if module}
    assert painted(code.path) == dark
    assert code.size == len(rows) + 2 * QUIET_ZONE


def test_it_takes_what_segno_makes() -> None:
    """The matrix of the QR library is understood as it comes."""
    matrix = segno.make("https://app.example.invalid/h/abc", micro=False).matrix

    assert len(painted(lay_out_modules(matrix).path)) == sum(map(sum, matrix))


def test_a_matrix_that_is_not_square_is_refused() -> None:
    """A cut-off code is an error, never a drawing that no camera can read."""
    with pytest.raises(ValueError, match="square"):
        lay_out_modules([[True, False]])
