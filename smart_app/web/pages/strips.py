"""Small charts under the trend: the domains of longer forms, and what else the record holds, on the same axis."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater, Wording
from fhir_alliance.sentences import Counted
from fhir_alliance.trajectory.companions import Companion, Reading
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.rules import FEWEST_ITEMS
from smart_app.web.layout.strip import StripLayout, StripPoint, lay_strip
from smart_app.web.pages.visit_rows import VisitRow
from smart_app.web.pages.words import between, plain, short_day
from smart_app.web.saying import say

HEIGHT: Final = 44  # CSS pixels, as the width is a percentage


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One measure: its name, its range, and what has to be known beside it."""

    name: str
    between: str
    note: str
    drawing: StripLayout


def domain_strips(instrument: Instrument, wording: Wording, rows: Sequence[VisitRow]) -> Iterator[Strip]:
    """Yield the patient's other scores, each over all the visits that are shown."""
    for scale in instrument.scales[1:]:
        points = list(_domain_points(scale, rows))
        if points and scale.has_range:
            few = 0 < len(scale.items) < FEWEST_ITEMS
            note = say(Counted("only %(number)s item", "only %(number)s items", len(scale.items))) if few else ""
            yield _strip(wording.scores[scale.name], scale, points, note=note)


def companion_strips(
    companions: Sequence[Companion], rows: Sequence[VisitRow], *, language: str, today: date
) -> Iterator[Strip]:
    """Yield what the record holds beside the alliance, each total between the visits before and after it.

    Of those before the first visit shown the last one is drawn, at the left edge: where the person came from.
    """
    days = [row.on for row in rows]
    for each in companions:
        earlier = [reading for reading in each.readings if days and reading.on < days[0]][-1:]
        since = [reading for reading in each.readings if days and reading.on >= days[0]]
        if points := [_companion_point(reading, days, today) for reading in (*earlier, *since)]:
            words = each.instrument.wordings.get(language)
            yield _strip(words.title if words else each.instrument.title, each.scale, points)


def share_of(on: date, days: Sequence[date], today: date) -> float:
    """Return where a day stands among the visits, in shares of the width; visits stand in the middle of their slices.

    A day between two visits stands between them by its date, one before all of them at the left edge, one after them
    between the last one and today, which is the right edge.
    """
    before = bisect_right(days, on)
    if before == 0:
        return 0.0
    start, end = days[before - 1], days[before] if before < len(days) else max(today, on)
    room = 1.0 if before < len(days) else 0.5
    part = (on - start).days / (end - start).days if end > start else 0.0
    return (before - 0.5 + part * room) / len(days)


def _domain_points(scale: Scale, rows: Sequence[VisitRow]) -> Iterator[StripPoint]:
    for place, row in enumerate(rows):
        point = row.point(Rater.PATIENT, scale.name)
        if point and point.value is not None:
            said = f"{short_day(row.on)}: {say(one_decimal(point.value))}"
            yield StripPoint(share=(place + 0.5) / len(rows), value=point.value, read_out=said)


def _companion_point(reading: Reading, days: Sequence[date], today: date) -> StripPoint:
    said = f"{short_day(reading.on)}: {plain(reading.value)}"
    return StripPoint(share=share_of(reading.on, days, today), value=reading.value, read_out=said)


def _strip(name: str, scale: Scale, points: Sequence[StripPoint], *, note: str = "") -> Strip:
    low, high = scale.minimum, scale.maximum
    return Strip(
        name=name,
        between=between(low, high),
        note=note,
        drawing=lay_strip(points, minimum=low, maximum=high, width=100, height=HEIGHT),
    )
