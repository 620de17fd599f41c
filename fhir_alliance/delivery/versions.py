"""The versions of one form: the first, and the corrections that came after it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, FromClause, exists, func, or_, select, update

from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.receipts import Kind, State, form_key, place
from fhir_alliance.settings import Rung
from fhir_alliance.tables import attempts, submissions
from fhir_alliance.vault import Vault

# What is neither in the chart nor given up.
_OPEN: Final = (State.ACCEPTED, State.LEASED, State.UNKNOWN, State.HELD, State.REJECTED)
# What no worker has in hand, and is not finished.
_AT_REST: Final = (State.ACCEPTED, State.UNKNOWN, State.HELD, State.REJECTED)
CONFLICT: Final = (409, 412)
"""Refused because something is there already: perhaps ours."""


# Made once: an alias copies every column.
_later, _noted = submissions.alias("later"), submissions.alias("noted")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version that reads back from the chart, as it was accepted; `pieces` are None on the first rung."""

    key: str
    kind: Kind
    response_id: str | None
    bundle: dict[str, Any] = field(repr=False)
    pieces: Any = field(default=None, repr=False)


class Versions:
    """Reads what of a form is in the chart."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def written_before(self, form: str, version: int) -> tuple[Version, ...]:
        """Return the versions before one that the chart has taken, oldest first; none when nothing was ever sent.

        Raises VaultError when one was tampered with, or is deleted.
        """
        if version == 1:
            return ()
        return self._read(_before(form, version) & (submissions.c.state == State.DELIVERED))

    def unsettled_before(self, form: str, version: int) -> tuple[Version, ...]:
        """Return the versions before one of which something has left us and nobody knows what is in the chart.

        Also those that were taken back like that, as an EHR may write long after it was asked. Oldest first; raises as
        `written_before` does.
        """
        left = submissions.c.state.in_(_OPEN) & ~never_left()
        return self._read(_before(form, version) & (left | is_given_up(submissions)))

    def last_sent(self, form: str, version: int) -> datetime | None:
        """Return when something of a version before one was last sent, None when nothing ever was."""
        mine = _before(form, version) & (attempts.c.submission == submissions.c.key)
        left = attempts.c.outcome.is_distinct_from(Outcome.NOT_SENT)
        with self._engine.connect() as connection:
            return connection.scalar(
                select(attempts.c.started_at).where(mine, left).order_by(attempts.c.id.desc()).limit(1)
            )

    def _read(self, which: ColumnElement[bool]) -> tuple[Version, ...]:
        with self._engine.connect() as connection:
            rows = connection.execute(select(submissions).where(which).order_by(submissions.c.version)).all()
        return tuple(
            Version(
                key=row.key,
                kind=Kind(row.kind),
                response_id=row.response_id,
                bundle=self._open(row, "payload"),
                pieces=self._open(row, "pieces") if row.pieces else None,
            )
            for row in rows
        )

    def _open(self, row: Any, column: str) -> Any:
        return orjson.loads(self._vault.open(getattr(row, column), place=place(row.ehr, row.key, column)))


def never_left(which: FromClause = submissions) -> ColumnElement[bool]:
    """Return what holds for a submission of which the EHR can have nothing: it was not sent, or plainly refused.

    A note carries all of its visit, so what was not sent by itself may be in the chart by a later note.
    """
    here = (_noted.c.ehr == which.c.ehr) & (_noted.c.patient == which.c.patient) & (_noted.c.rung == which.c.rung)
    visit = _noted.c.encounter.is_not_distinct_from(which.c.encounter) & (_noted.c.sequence > which.c.sequence)
    noted = (which.c.rung == Rung.NOTE) & which.c.pieces.is_not(None)
    return ~_has_left(which) & ~(noted & exists().where(here, visit, _has_left(_noted)))


def is_given_up(which: FromClause) -> ColumnElement[bool]:
    """Return what holds for a version that was sent, and taken back before it was known to be in the chart."""
    return (which.c.state == State.REPLACED) & _has_left(which)


def _has_left(which: FromClause) -> ColumnElement[bool]:
    plain = attempts.c.outcome.in_((Outcome.REFUSED, Outcome.NOT_SENT)) & (
        attempts.c.status.is_(None) | attempts.c.status.not_in(CONFLICT)
    )
    return exists().where(attempts.c.submission == which.c.key, or_(attempts.c.outcome.is_(None), ~plain))


def let_go(connection: Connection, key: str) -> bool:
    """End a version of which nothing has left us, unless a worker has it in hand; returns whether nothing of it will.

    A worker that has it in hand finds it corrected before it sends (`is_corrected`).
    """
    mine = (submissions.c.key == key) & submissions.c.state.in_(_AT_REST) & never_left()
    connection.execute(update(submissions).where(mine).values(state=State.REPLACED, reason=None))
    return connection.scalar(select(submissions.c.state).where(submissions.c.key == key)) == State.REPLACED


def is_corrected(connection: Connection, key: str) -> bool:
    """Whether a later version has come before anything of this one has left us."""
    after = exists().where(_later.c.corrects == form_key(), _later.c.version > submissions.c.version)
    return bool(connection.scalar(select(submissions.c.key).where(submissions.c.key == key, after, never_left())))


def is_taken_back(which: FromClause) -> ColumnElement[bool]:
    """Return what holds for a version that a later one takes back, whatever of it is in the chart: no more is sent."""
    return exists().where(
        _later.c.corrects == func.coalesce(which.c.corrects, which.c.key),
        _later.c.version > which.c.version,
        _later.c.kind == Kind.WITHDRAWAL,
    )


def give_up(connection: Connection, form: str, version: int) -> tuple[str, ...]:
    """End what is open of the versions before one that took them back; returns their keys."""
    mine = _before(form, version) & submissions.c.state.in_(_OPEN)
    ended = {"state": State.REPLACED, "reason": None, "lease_owner": None, "leased_until": None}
    change = update(submissions).where(mine).values(**ended).returning(submissions.c.key)
    return tuple(connection.scalars(change))


def nothing_left(connection: Connection, form: str) -> bool:
    """Whether the EHR can have nothing of any version of a form."""
    others = select(submissions.c.key).where(form_key() == form, submissions.c.state != State.REPLACED)
    return connection.scalar(others.limit(1)) is None


def _before(form: str, version: int) -> ColumnElement[bool]:
    return (form_key() == form) & (submissions.c.version < version)
