"""The trend a clinician sees: the leading score of each rater over the visits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import floor

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.ruptures import Level
from fhir_alliance.trajectory.series import UsualRange
from smart_app.web.layout.signs import AxisSign
from smart_app.web.layout.trend import TrendChart, TrendLayout, TrendLine, TrendVisit, lay_out
from smart_app.web.pages.signs import changes_of
from smart_app.web.pages.tables import score_words
from smart_app.web.pages.visit_rows import VisitRow
from smart_app.web.pages.words import day, short_day, span
from smart_app.web.saying import say

HEIGHT = 200  # CSS pixels; the width is a percentage, so that text keeps its size in every frame


@dataclass(frozen=True, kw_only=True)
class Trend:
    """The drawing with its words; `usual` is empty while there is no usual range.

    `said` is how many lines the words of a visit take at most.
    """

    title: str
    drawing: TrendLayout
    usual: str
    usual_visits: str
    said: int


def trend_of(
    instrument: Instrument,
    title: str,
    rows: Sequence[VisitRow],
    *,
    names: Mapping[Rater, str],
    usual: UsualRange | None,
    today: date,
) -> Trend | None:
    """Return the trend of the instrument's first scale, of the raters that have a name; None while nobody has a score.

    `rows` may be the last of a course: their signs were found in all of it.
    """
    scale = instrument.scales[0]
    called = [(rater, names[rater]) for rater in Rater if rater in names]
    lines = tuple(_line(scale, rater, name, rows) for rater, name in called)
    if not any(value is not None for line in lines for value in line.values):
        return None
    low, high = _range(scale, lines, usual)
    chart = TrendChart(
        visits=tuple(_visit(scale, row, called, today) for row in rows),
        lines=lines,
        minimum=low,
        maximum=high,
        usual=(usual.low, usual.high) if usual else None,
        signs=tuple(
            AxisSign(place=place, is_repair=row.sign.is_repair, is_marked=row.sign.level is Level.MARKED)
            for place, row in enumerate(rows)
            if row.sign
        ),
        changes=tuple(changes_of(instrument, rows)),
    )
    return Trend(
        title=title,
        drawing=lay_out(chart, width=100, height=HEIGHT),
        usual=span(usual.low, usual.high) if usual else "",
        usual_visits=say("visits %(first)s to %(last)s", first=usual.first_visit, last=usual.last_visit)
        if usual
        else "",
        said=max(len(visit.read_out) for visit in chart.visits),
    )


def _range(scale: Scale, lines: Sequence[TrendLine], usual: UsualRange | None) -> tuple[Decimal, Decimal]:
    """Return between which values the trend is drawn: the scale's, or where nobody said them those that there are."""
    if scale.has_range:
        return scale.minimum, scale.maximum
    found = [value for line in lines for value in line.values if value is not None]
    found += [usual.low, usual.high] if usual else []
    return Decimal(floor(min(found))), Decimal(floor(max(found)) + 1)


def _line(scale: Scale, rater: Rater, name: str, rows: Sequence[VisitRow]) -> TrendLine:
    points = [row.point(rater, scale.name) for row in rows]
    return TrendLine(rater=rater, name=name, values=tuple(point.value if point else None for point in points))


def _visit(scale: Scale, row: VisitRow, called: Sequence[tuple[Rater, str]], today: date) -> TrendVisit:
    waiting = row.on == today and not row.rated_by(Rater.PATIENT)
    points = [(name, row.point(rater, scale.name)) for rater, name in called if rater in row.points]
    said = [f"{name} {score_words(point)}" for name, point in points]
    amended = [name for name, point in points if point and point.amended]
    read_out = (
        f"{row.label}, {day(row.on, today=today).text}",
        " · ".join([*([say("not asked yet")] if waiting else []), *said]) or say("no answer"),
        *([say(row.sign.words)] if row.sign else []),
        *([say("corrected later: %(names)s", names=" · ".join(amended))] if amended else []),
    )
    return TrendVisit(
        number=str(row.number or ""),
        day=short_day(row.on),
        aloud=": ".join(read_out),
        read_out=read_out,
        waiting=waiting,
    )
