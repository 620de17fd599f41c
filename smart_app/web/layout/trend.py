"""The trend of one score over visits, as coordinates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from smart_app.web.layout.signs import AxisSign, Change, LaidChange, LaidSign, lay_changes, lay_signs

# How many dates fit side by side on a phone, in an EHR frame, on a desk.
LABELS_THAT_FIT = {"narrow": 3, "medium": 8, "wide": 16}


# What there is one of for each visit is a plain tuple: templates take it apart in one step.


class TrendVisit(NamedTuple):
    """One visit on the axis: its number, its short date, what is read out; `waiting` may yet be answered.

    It is read `aloud` as one sentence, and `read_out` on focus in lines.
    """

    number: str
    day: str
    aloud: str
    read_out: tuple[str, ...]
    waiting: bool = False


@dataclass(frozen=True, kw_only=True)
class TrendLine:
    """One rater's values, one per visit; None where there is no score."""

    rater: str
    name: str
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, kw_only=True)
class TrendChart:
    """What is drawn: visits oldest first, lines over them, the scale's ends, the usual range, and signs on the axis."""

    visits: tuple[TrendVisit, ...]
    lines: tuple[TrendLine, ...]
    minimum: Decimal
    maximum: Decimal
    usual: tuple[Decimal, Decimal] | None = None
    signs: tuple[AxisSign, ...] = ()
    changes: tuple[Change, ...] = ()


class Mark(NamedTuple):
    """The place of one value."""

    x: float
    y: float


class Stroke(NamedTuple):
    """The line between two neighbouring values."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, kw_only=True)
class LaidLine:
    """One rater's marks, and strokes only between visits next to each other that were measured alike."""

    rater: str
    name: str
    marks: tuple[Mark, ...]
    strokes: tuple[Stroke, ...]

    @property
    def path(self) -> str:
        """The strokes as one path."""
        return path_of(self.strokes)


class Column(NamedTuple):
    """One visit's slice; `shown_on` names the widths on which its date fits, `rests` the one read out unasked."""

    visit: TrendVisit
    left: float
    width: float
    x: float
    shown_on: str
    rests: bool


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One value on the axis."""

    y: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Band:
    """The usual range."""

    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class TrendLayout:
    """A drawing, y downwards, every coordinate rounded to 0.1; `gaps` are missed visits."""

    width: float
    height: float
    ticks: tuple[Tick, ...]
    columns: tuple[Column, ...]
    lines: tuple[LaidLine, ...]
    gaps: tuple[float, ...]
    band: Band | None
    signs: tuple[LaidSign, ...]
    changes: tuple[LaidChange, ...]


def lay_out(chart: TrendChart, *, width: float, height: float) -> TrendLayout:
    """Place every visit in a slice of equal width, and every value by its height on the scale.

    A width of 100 makes x a percentage. A gap is a visit where the first line, the patient's, has no value and waits
    for none; the read-out rests on the newest visit where it has one.
    """
    slots = len(chart.visits)
    xs = [round((index + 0.5) * width / slots, 1) for index in range(slots)]
    rest = _rest(chart)
    return TrendLayout(
        width=width,
        height=height,
        ticks=tuple(Tick(y=_y(chart, value, height), label=f"{value:.0f}") for value in _tick_values(chart)),
        columns=tuple(_column(chart, index, x, width, rests=index == rest) for index, x in enumerate(xs)),
        lines=tuple(_line(chart, line, xs, height) for line in chart.lines),
        gaps=tuple(
            x
            for x, visit, value in zip(xs, chart.visits, chart.lines[0].values, strict=True)
            if value is None and not visit.waiting
        ),
        band=_band(chart, height),
        signs=lay_signs(chart.signs, xs),
        changes=lay_changes(chart.changes, slots, width),
    )


def path_of(strokes: Iterable[Stroke]) -> str:
    """Return strokes in SVG's words for a path: one that goes on where the last one ended takes no new start."""
    words, pen = [], None
    for x1, y1, x2, y2 in strokes:
        words.append(f"L{x2} {y2}" if (x1, y1) == pen else f"M{x1} {y1}L{x2} {y2}")
        pen = x2, y2
    return "".join(words)


def _y(chart: TrendChart, value: Decimal, height: float) -> float:
    share = (value - chart.minimum) / (chart.maximum - chart.minimum)
    return round(height * (1 - float(share)), 1)


def _tick_values(chart: TrendChart) -> Sequence[Decimal]:
    return (chart.minimum, (chart.minimum + chart.maximum) / 2, chart.maximum)


def _rest(chart: TrendChart) -> int:
    """Return the newest visit with a value of the first line, else of the next one, else the newest visit."""
    found = (index for line in chart.lines for index, value in reversed([*enumerate(line.values)]) if value is not None)
    return next(found, len(chart.visits) - 1)


def _column(chart: TrendChart, index: int, x: float, width: float, *, rests: bool) -> Column:
    slots = len(chart.visits)
    from_newest = slots - 1 - index
    left, right = (round(edge * width / slots, 1) for edge in (index, index + 1))
    return Column(
        visit=chart.visits[index],
        left=left,
        width=round(right - left, 1),
        x=x,
        shown_on=" ".join([place for place, fit in LABELS_THAT_FIT.items() if from_newest % ceil(slots / fit) == 0]),
        rests=rests,
    )


def _line(chart: TrendChart, line: TrendLine, xs: Sequence[float], height: float) -> LaidLine:
    places = [
        None if value is None else Mark(x=x, y=_y(chart, value, height))
        for x, value in zip(xs, line.values, strict=True)
    ]
    apart = {each.place for each in chart.changes}
    strokes = tuple(
        Stroke(x1=start.x, y1=start.y, x2=end.x, y2=end.y)
        for place, (start, end) in enumerate(pairwise(places), 1)
        if start and end and place not in apart
    )
    return LaidLine(rater=line.rater, name=line.name, marks=tuple(place for place in places if place), strokes=strokes)


def _band(chart: TrendChart, height: float) -> Band | None:
    if chart.usual is None:
        return None
    low, high = (_y(chart, value, height) for value in chart.usual)
    return Band(y=high, height=round(low - high, 1))
