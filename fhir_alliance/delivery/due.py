"""What is due: waiting long enough or abandoned by its worker, and not behind an earlier form of the same patient.

A correction comes after what it corrects, also when that waits for a person.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, select

from fhir_alliance.delivery.receipts import State, form_key
from fhir_alliance.tables import submissions

_MOVING: Final = (State.ACCEPTED, State.LEASED, State.UNKNOWN)
_WAITING: Final = (State.ACCEPTED, State.UNKNOWN)


def ehrs_due(now: datetime) -> Select[tuple[str]]:
    """Return the query for the names of the EHRs that something is due for."""
    return _due(now).with_only_columns(submissions.c.ehr).distinct()


def next_due(now: datetime, ehr: str | None) -> Select[tuple[str]]:
    """Return the query for the key of the next submission, for one EHR or any, that nobody else is leasing just now."""
    due = _due(now).order_by(submissions.c.next_attempt_at, submissions.c.sequence).limit(1)
    if ehr is not None:
        due = due.where(submissions.c.ehr == ehr)
    return due.with_for_update(skip_locked=True, of=submissions)  # SQLite has one writer and knows no row locks


def _due(now: datetime) -> Select[tuple[str]]:
    earlier = submissions.alias("earlier")
    waiting = submissions.c.state.in_(_WAITING) & (submissions.c.next_attempt_at <= now)
    abandoned = (submissions.c.state == State.LEASED) & (submissions.c.leased_until <= now)
    behind = exists().where(
        earlier.c.ehr == submissions.c.ehr,
        earlier.c.patient == submissions.c.patient,
        earlier.c.sequence < submissions.c.sequence,
        earlier.c.state.in_(_MOVING) | _is_unsettled_version(earlier),
    )
    return select(submissions.c.key).where(waiting | abandoned, ~behind)


def _is_unsettled_version(earlier: FromClause) -> ColumnElement[bool]:
    """Return what holds for an earlier version of the same form that is neither in the chart nor given up."""
    same = func.coalesce(earlier.c.corrects, earlier.c.key) == form_key()
    return same & earlier.c.state.not_in((State.DELIVERED, State.REPLACED))
