"""Visits, scores and answers joined: what each rater said at each visit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.trajectory.drawn import Sign
from fhir_alliance.trajectory.series import Point, Series, Visit
from smart_app.web.pages.words import local_day
from smart_app.web.saying import say


@dataclass(kw_only=True)
class _Gathered:
    number: int | None
    is_visit: bool
    at: datetime
    on: date
    points: dict[Rater, dict[str, Point]] = field(default_factory=dict)


class VisitRow(NamedTuple):
    """One visit: scores by rater and scale, answers by rater; what was filed without one is no visit.

    `number` is None there, and where it is not known.
    `kept` means that a score of it is kept here, because the chart does not give it back. `sign` is the rupture or the
    repair that the patient's rating gives.
    """

    number: int | None
    is_visit: bool
    on: date
    points: Mapping[Rater, Mapping[str, Point]]
    answers: Mapping[Rater, Answers]
    kept: bool
    sign: Sign | None = None

    @property
    def label(self) -> str:
        """The visit as it is named aloud."""
        if not self.is_visit:
            return say("No visit")
        return say("Visit %(number)s", number=self.number) if self.number else say("Visit")

    def point(self, rater: Rater, scale: str) -> Point | None:
        """Return one score, None when it was not asked."""
        return self.points.get(rater, {}).get(scale)

    def is_amended(self, rater: Rater) -> bool:
        """Whether this rater's answers were corrected after they were first scored."""
        return any(point.amended for point in self.points.get(rater, {}).values())

    def rated_by(self, rater: Rater) -> bool:
        """Whether this rater sent a form about this visit."""
        return rater in self.points or rater in self.answers


def join_visits(
    visits: Sequence[Visit],
    series: Sequence[Series],
    answers: Mapping[str, Answers],
    *,
    zone: ZoneInfo,
    today: date,
    kept: Collection[str] = (),
) -> tuple[VisitRow, ...]:
    """Return a row per visit up to today, oldest first; of two scores at one visit the later counts.

    `answers` is keyed by the response's reference, as `Point.response` names it; `kept` are such references.
    """
    rows = {
        visit.encounter: _Gathered(number=visit.number, is_visit=True, at=visit.start, on=on)
        for visit in visits
        if (on := local_day(visit.start, zone)) <= today
    }
    for each in series:
        for point in each.points:
            place = point.encounter or point.response or point.at.isoformat()
            if place not in rows:
                rows[place] = _Gathered(number=None, is_visit=False, at=point.at, on=local_day(point.at, zone))
            rows[place].points.setdefault(each.rater, {})[each.scale] = point
    return tuple(_row(row, answers, kept) for row in sorted(rows.values(), key=lambda row: row.at))


def newest_responses(series: Sequence[Series], most: int) -> Collection[str]:
    """Return the references of the patient's newest responses, so that nobody reads years of answers for a few."""
    points = [point for each in series if each.rater is Rater.PATIENT for point in each.points if point.response]
    points.sort(key=lambda point: point.at, reverse=True)
    return list(dict.fromkeys(point.response or "" for point in points))[:most]


def _row(row: _Gathered, answers: Mapping[str, Answers], kept: Collection[str]) -> VisitRow:
    given = {
        rater: answers[point.response]
        for rater, points in row.points.items()
        for point in points.values()
        if point.response and point.response in answers
    }
    stays = any(point.response in kept for points in row.points.values() for point in points.values())
    return VisitRow(number=row.number, is_visit=row.is_visit, on=row.on, points=row.points, answers=given, kept=stays)
