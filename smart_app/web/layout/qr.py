"""A QR code as one SVG path."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

QUIET_ZONE = 4  # modules of white around the code, ISO/IEC 18004


@dataclass(frozen=True, kw_only=True)
class QrCode:
    """A square drawing of `size` units a side; `path` fills its dark modules."""

    size: int
    path: str


def lay_out_modules(rows: Sequence[Sequence[bool | int]]) -> QrCode:
    """Draw a matrix of modules, truthy is dark; ValueError when it is not square."""
    if any(len(row) != len(rows) for row in rows):
        raise ValueError("a QR code is square")
    path = "".join(
        f"M{QUIET_ZONE + start} {QUIET_ZONE + y}h{length}v1h-{length}z"
        for y, row in enumerate(rows)
        for start, length in _dark_runs(row)
    )
    return QrCode(size=len(rows) + 2 * QUIET_ZONE, path=path)


def _dark_runs(row: Sequence[bool | int]) -> Iterator[tuple[int, int]]:
    for dark, run in groupby(enumerate(row), key=lambda module: bool(module[1])):
        if dark:
            columns = [x for x, _ in run]
            yield columns[0], len(columns)
