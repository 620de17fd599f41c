"""A small chart of one measure, as coordinates: it stands under the trend and shares its axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from smart_app.web.layout.trend import Stroke, Tick, path_of


class StripPoint(NamedTuple):
    """One value at its place on the axis, in shares of the width, and how it is read out."""

    share: float
    value: Decimal
    read_out: str


class StripCell(NamedTuple):
    """One value with the slice that shows it on hover; `rests` is the one read out unasked."""

    left: float
    width: float
    x: float
    y: float
    read_out: str
    rests: bool


@dataclass(frozen=True, kw_only=True)
class StripLayout:
    """A drawing, y downwards, every coordinate rounded to 0.1."""

    height: float
    ticks: tuple[Tick, ...]
    cells: tuple[StripCell, ...]
    strokes: tuple[Stroke, ...]

    @property
    def path(self) -> str:
        """The strokes as one path."""
        return path_of(self.strokes)


def lay_strip(
    points: Sequence[StripPoint], *, minimum: Decimal, maximum: Decimal, width: float, height: float
) -> StripLayout:
    """Place values, oldest first, by their height on the scale, and join them; a slice ends midway to its neighbour."""
    xs = [round(point.share * width, 1) for point in points]
    ys = [_y(point.value, minimum, maximum, height) for point in points]
    edges = [0.0, *(round((one + other) / 2, 1) for one, other in pairwise(xs)), width]
    return StripLayout(
        height=height,
        ticks=tuple(Tick(y=_y(value, minimum, maximum, height), label=f"{value:.0f}") for value in (minimum, maximum)),
        cells=tuple(
            StripCell(
                left=left, width=round(right - left, 1), x=x, y=y, read_out=point.read_out, rests=place == len(xs)
            )
            for place, (point, x, y, (left, right)) in enumerate(zip(points, xs, ys, pairwise(edges), strict=True), 1)
        ),
        strokes=tuple(Stroke(x1=x1, y1=y1, x2=x2, y2=y2) for (x1, y1), (x2, y2) in pairwise(zip(xs, ys, strict=True))),
    )


def _y(value: Decimal, minimum: Decimal, maximum: Decimal, height: float) -> float:
    return round(height * (1 - float((value - minimum) / (maximum - minimum))), 1)
