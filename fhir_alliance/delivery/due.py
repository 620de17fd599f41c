"""What is due: waiting long enough or abandoned by its worker, and not behind an earlier form of the same patient.

A correction comes after what it corrects, also when that waits for a person; taking back goes ahead of what waits, and
nothing more of that is due.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, CompoundSelect, FromClause, Select, exists, func, or_, select, union_all

from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.receipts import Kind, State, form_key, is_newest
from fhir_alliance.delivery.versions import is_given_up, is_taken_back
from fhir_alliance.tables import attempts, submissions

_MOVING: Final = (State.ACCEPTED, State.LEASED, State.UNKNOWN)
# No wait and no lease is as long: a clock that was far ahead has written it, and is right again (F28).
_TOO_FAR: Final = timedelta(hours=1)
# So long may an EHR write, in the worst case, what it was once asked to (F07).
_IN_DOUBT: Final = timedelta(hours=24)
# Made once: an alias copies every column.
_earlier, _given = submissions.alias("earlier"), submissions.alias("given")
_first, _again = attempts.alias("first"), attempts.alias("again")


def ehrs_due(now: datetime) -> CompoundSelect[tuple[str]]:
    """Return the query for the names of the EHRs that a delivery, or another look at one, is due for."""
    moving = select(submissions.c.ehr).where(submissions.c.state.in_(_MOVING)).distinct().subquery()
    some = or_(*(_due(state, now).where(submissions.c.ehr == moving.c.ehr).exists() for state in _MOVING))
    return select(moving.c.ehr).where(some).union(_doubtful(now).with_only_columns(submissions.c.ehr))


def next_due(now: datetime, ehr: str | None) -> Select[tuple[str]]:
    """Return the query for the key of the next submission, for one EHR or any, that nobody else is leasing just now.

    Each state is looked through by itself in the order of its index, and only up to the first that can go: after an EHR
    was away, thousands wait.
    """
    order = (submissions.c.next_attempt_at, submissions.c.sequence)
    firsts = []
    for state in _MOVING:
        due = _due(state, now).with_only_columns(submissions.c.key, *order).order_by(*order).limit(1)
        if ehr is not None:
            due = due.where(submissions.c.ehr == ehr)
        # SQLite has one writer and knows no row locks.
        firsts.append(select(due.with_for_update(skip_locked=True, of=submissions).subquery()))
    first = union_all(*firsts).subquery()
    return select(first.c.key).order_by(first.c.next_attempt_at, first.c.sequence).limit(1)


def next_doubtful(now: datetime, ehr: str | None) -> Select[tuple[str]]:
    """Return the query for the key of the next submission to look at again: something of it may come yet (F07).

    That is what was sent again before its first send had come, and what took back what had never come.
    """
    found = _doubtful(now).order_by(submissions.c.next_attempt_at).limit(1)
    if ehr is not None:
        found = found.where(submissions.c.ehr == ehr)
    return found.with_for_update(skip_locked=True, of=submissions)


def _doubtful(now: datetime) -> Select[tuple[str]]:
    twice = exists().where(
        _first.c.submission == submissions.c.key,
        or_(_first.c.outcome.is_(None), _first.c.outcome == Outcome.UNKNOWN),
        _again.c.submission == submissions.c.key,
        _again.c.id > _first.c.id,
        _again.c.outcome.in_((Outcome.UNKNOWN, Outcome.WRITTEN)),
    )
    fresh = (submissions.c.delivered_at > now - _IN_DOUBT) & (submissions.c.next_attempt_at <= now)
    done = (submissions.c.state == State.DELIVERED) & submissions.c.harvested_version.is_(None) & is_newest()
    mine = func.coalesce(_given.c.corrects, _given.c.key) == submissions.c.corrects
    takes_back = (submissions.c.kind == Kind.WITHDRAWAL) & exists().where(mine, is_given_up(_given))
    return select(submissions.c.key).where(done, fresh, takes_back | (submissions.c.kind == Kind.ORIGINAL) & twice)


def _due(state: State, now: datetime) -> Select[tuple[str]]:
    until = submissions.c.leased_until if state is State.LEASED else submissions.c.next_attempt_at
    in_hand = (_earlier.c.state == State.LEASED) & ~_is_over(_earlier.c.leased_until, now)
    waits = _earlier.c.state.in_(_MOVING) | _is_unsettled_version(_earlier)
    behind = exists().where(
        _earlier.c.ehr == submissions.c.ehr,
        _earlier.c.patient == submissions.c.patient,
        _earlier.c.sequence < submissions.c.sequence,
        in_hand | (waits & ~is_taken_back(_earlier)),
    )
    mine = (submissions.c.state == state) & _is_over(until, now)
    return select(submissions.c.key).where(mine, ~is_taken_back(submissions), ~behind)


def _is_unsettled_version(earlier: FromClause) -> ColumnElement[bool]:
    """Return what holds for an earlier version of the same form that is neither in the chart nor given up."""
    same = func.coalesce(earlier.c.corrects, earlier.c.key) == form_key()
    return same & earlier.c.state.not_in((State.DELIVERED, State.REPLACED))


def _is_over(until: ColumnElement[datetime], now: datetime) -> ColumnElement[bool]:
    return (until <= now) | (until > now + _TOO_FAR)
