"""How many of the forms that were due were answered, by clinic and week; no patient, and no count of only a few."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Row, exists, or_, select

from fhir_alliance.instruments.words import Rater
from fhir_alliance.tables import assignments, launches, patient_links, reminders, submissions
from fhir_alliance.visits.assignments import Assignments
from fhir_alliance.visits.hiding import FEWEST, hidden, hidden_part
from fhir_alliance.visits.reminders import SENT, WITH_ANOTHER
from fhir_alliance.visits.standing import Assignment, Standing

LATE: Final = timedelta(hours=24)
"""An answer that comes longer than this after its form opened is late: memory has begun to make it up."""

_UNKNOWN: Final = "unknown"
Parts = Mapping[str, int | None]


@dataclass(frozen=True, kw_only=True)
class WeekFigures:
    """The forms that opened in the week from `week`, a Monday, on at one clinic, by its reference; None is hidden.

    `due` is all but those cancelled; of it `outcomes` are the parts answered, declined, expired and open, and `sent`
    those that a link or a message went out for. Of the answered `late` came after LATE, and `by` divides them by
    language, device and mode. `reasons` says how the others were declined, and why forms were cancelled.
    """

    week: date
    ehr: str
    clinic: str
    due: int | None
    sent: int | None
    outcomes: Parts
    late: int | None
    by: Mapping[str, Parts]
    reasons: Parts


RECENT: Final = timedelta(weeks=8)
"""How far back figures go where nobody says."""


def read_figures(
    engine: Engine, found: Assignments, ehrs: Iterable[str], *, first: date, last: date, zone: ZoneInfo
) -> tuple[WeekFigures, ...]:
    """Return the figures of the weeks that hold two days and of those between, oldest first; weeks are whole always.

    So no two questions with other days can be subtracted from each other.
    """
    since = _midnight(_monday(first), zone)
    until = _midnight(_monday(last) + timedelta(days=7), zone)
    figures = []
    for ehr in ehrs:
        groups: dict[tuple[date, str], list[Assignment]] = {}
        for each in found.opened_between(ehr, since, until):
            groups.setdefault((_monday(each.opens.astimezone(zone).date()), each.clinic), []).append(each)
        answers, sent = _answers(engine, ehr, since), _sent(engine, ehr, since, until)
        figures += [
            _figures(week, ehr, clinic, group, answers, sent) for (week, clinic), group in sorted(groups.items())
        ]
    return tuple(sorted(figures, key=lambda each: (each.week, each.ehr, each.clinic)))


def _figures(
    week: date, ehr: str, clinic: str, group: list[Assignment], answers: Mapping[str, Row[Any]], sent: frozenset[int]
) -> WeekFigures:
    due = [each for each in group if each.standing is not Standing.CANCELLED]
    complete = [each for each in due if each.standing is Standing.COMPLETED]
    answered = [(each, answer) for each in complete if (answer := answers.get(each.submission or ""))]
    counts = Counter(_OUTCOMES[each.standing] for each in due)
    outcomes = hidden({name: counts[name] for name in _OUTCOMES.values()}) if len(due) >= FEWEST else _nothing(counts)
    shown = outcomes.get("answered") is not None
    late = sum(answer.accepted_at - each.opens > LATE for each, answer in answered)
    by = {
        name: hidden(Counter(getattr(answer, name) or _UNKNOWN for _, answer in answered)) if shown else {}
        for name in ("language", "device", "mode")
    }
    declined = Counter(_manner(each) for each in due if each.standing is Standing.DECLINED)
    cancelled = Counter(each.cancelled_why for each in group if each.standing is Standing.CANCELLED)
    return WeekFigures(
        week=week,
        ehr=ehr,
        clinic=clinic,
        due=len(due) if len(due) >= FEWEST or not due else None,
        sent=hidden_part(sum(each.id in sent for each in due), len(due)) if len(due) >= FEWEST else None,
        outcomes=outcomes,
        late=hidden_part(late, len(answered)) if shown else None,
        by=by,
        reasons={
            **(hidden(declined) if outcomes["declined"] is not None else {}),
            # These are parts of no total that is shown.
            **{name: count if count >= FEWEST else None for name, count in cancelled.items()},
        },
    )


_OUTCOMES: Final = {
    Standing.COMPLETED: "answered",
    Standing.DECLINED: "declined",
    Standing.OVERDUE: "expired",
    Standing.DUE: "open",
}


def _nothing(counts: Mapping[str, int]) -> Parts:
    return dict.fromkeys(_OUTCOMES.values(), None if any(counts.values()) else 0)


def _manner(each: Assignment) -> str:
    """Return how a form was declined."""
    return "sent-empty" if each.submission else "not-today"


def _answers(engine: Engine, ehr: str, since: datetime) -> dict[str, Row[Any]]:
    """Return how the forms of patients that came since then were answered, by their key."""
    columns = (submissions.c[name] for name in ("key", "accepted_at", "language", "mode", "device"))
    mine = (submissions.c.ehr == ehr) & (submissions.c.rater == Rater.PATIENT.value)
    asked = select(*columns).where(mine, submissions.c.accepted_at >= since)
    with engine.connect() as connection:
        return {row.key: row for row in connection.execute(asked)}


def _sent(engine: Engine, ehr: str, since: datetime, until: datetime) -> frozenset[int]:
    """Return the assignments of a time that a link was made for, or a reminder sent."""
    linked = exists().where(
        patient_links.c.launch == launches.c.handle,
        launches.c.encounter == assignments.c.encounter,
        patient_links.c.ehr == assignments.c.ehr,
        patient_links.c.patient == assignments.c.patient,
        patient_links.c.form.startswith(assignments.c.form_url + "|"),
    )
    told = reminders.c.outcome.in_((SENT, WITH_ANOTHER))
    reminded = exists().where(reminders.c.assignment == assignments.c.id, told)
    then = (assignments.c.opens_at >= since) & (assignments.c.opens_at < until)
    which = select(assignments.c.id).where(assignments.c.ehr == ehr, then, or_(linked, reminded))
    with engine.connect() as connection:
        return frozenset(connection.scalars(which))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
