"""Bringing what is assigned about a visit up to date with what is due about it now; inside a caller's transaction."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, literal, or_, select, update
from sqlalchemy.sql.dml import ReturningInsert

from fhir_alliance.tables import assignments
from fhir_alliance.visits.due import Due, Why
from fhir_alliance.visits.links import prolong

CANCELLED: Final = "visit-cancelled"
"""The visit does not take place; should the EHR think otherwise later, its forms are asked again."""

NOT_DUE: Final = "not-due"
"""Something changed before the form was opened to anybody, such as the visit's number or the patient's wish."""

_REVERSIBLE: Final = (CANCELLED, NOT_DUE)
Visit = Mapping[str, str]


def add(
    connection: Connection,
    visit: Visit,
    found: Iterable[Due],
    pins: Mapping[str, str],
    *,
    trigger: str,
    schedule: str,
    at: datetime,
) -> int:
    """Assign what is not assigned yet; returns how many forms that were."""
    common = {**visit, "trigger": trigger, "schedule": schedule, "assigned_at": at}
    rows = [{**common, **_values(each), "form": pins[each.form.url]} for each in found]
    return sum(len(connection.execute(_unless_there(row)).all()) for row in rows)


def move(connection: Connection, visit: Visit, *, opens: datetime, closes: datetime, schedule: str) -> None:
    """Let the forms of a visit, but for those that a person has handed over, be open at its new time by a schedule.

    When that is later the links to its forms go with it, and what was handed over beside them stays as much longer.
    """
    values = {"opens_at": opens, "closes_at": closes, "schedule": schedule}
    otherwise = or_(*(assignments.c[name] != value for name, value in values.items()))
    moved = and_(_about(visit), _planned(), otherwise)
    before = connection.scalars(select(assignments.c.closes_at).where(moved)).all()
    if before and max(before) < closes:
        prolong(connection, visit, closes - max(before))
        _stay(connection, visit, closes - max(before))
    connection.execute(update(assignments).where(moved).values(**values))


def _stay(connection: Connection, visit: Visit, by: timedelta) -> None:
    """Let what a person has handed over about a visit be answered longer; only the planned forms tell that it moved."""
    handed = and_(_about(visit), ~_planned())
    for row in connection.execute(select(assignments.c.id, assignments.c.closes_at).where(handed)).all():
        later = update(assignments).where(assignments.c.id == row.id)
        connection.execute(later.values(closes_at=row.closes_at + by))


def place(connection: Connection, visit: Visit, *, clinic: str, therapist: str) -> None:
    """Note the clinic and the therapist of a visit with all its forms."""
    otherwise = (assignments.c.clinic != clinic) | (assignments.c.therapist != therapist)
    change = update(assignments).where(_about(visit), otherwise)
    connection.execute(change.values(clinic=clinic, therapist=therapist))


def renew(connection: Connection, visit: Visit, found: Iterable[Due]) -> None:
    """Give what is due the visit's present number, and ask again what was cancelled for a reason that has ended."""
    stands = assignments.c.cancelled_at.is_(None) | assignments.c.cancelled_why.in_(_REVERSIBLE)
    for each in found:
        change = update(assignments).where(_about(visit), assignments.c.form_url == each.form.url, stands)
        connection.execute(change.values(cancelled_at=None, cancelled_why=None, number=each.number or 0))


def drop(connection: Connection, needless: Collection[int], *, at: datetime) -> None:
    """Cancel forms that are not due any more, but for those that a person has handed over."""
    change = update(assignments).where(assignments.c.id.in_(needless), _planned(), assignments.c.cancelled_at.is_(None))
    connection.execute(change.values(cancelled_at=at, cancelled_why=NOT_DUE))


def _about(visit: Visit) -> ColumnElement[bool]:
    return and_(*(assignments.c[name] == visit[name] for name in ("ehr", "patient", "encounter")))


def _planned() -> ColumnElement[bool]:
    return assignments.c.why != Why.HAND.value


def _values(each: Due) -> dict[str, Any]:
    return {
        "form_url": each.form.url,
        "rater": each.form.rater.value,
        "number": each.number or 0,
        "why": each.why.value,
        "opens_at": each.opens,
        "closes_at": each.closes,
    }


def _unless_there(values: Mapping[str, Any]) -> ReturningInsert[tuple[int]]:
    same = [assignments.c[name] == values[name] for name in ("ehr", "patient", "encounter", "form_url")]
    row = select(*(literal(value, assignments.c[name].type).label(name) for name, value in values.items()))
    chosen = row.where(~exists().where(*same))
    return insert(assignments).from_select(list(values), chosen).returning(assignments.c.id)
