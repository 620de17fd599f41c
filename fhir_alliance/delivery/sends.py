"""What is written down of every send: that it is about to happen, before it does, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import Engine, func, insert, select, update

from fhir_alliance.audit import Event
from fhir_alliance.delivery.items import Item, note
from fhir_alliance.delivery.outcomes import NOT_READ_BACK, Outcome, Stop
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.versions import CONFLICT, is_corrected, is_taken_back
from fhir_alliance.store import transaction
from fhir_alliance.tables import attempts, submissions

RESTORED: Final = "restored"
"""The step of what a backup does not know: any send may have left before the database was lost."""


@dataclass(frozen=True, kw_only=True)
class Send:
    """One send: when it began and what became of it; `status` is the HTTP status, None when no answer came.

    `entries` are the statuses of a transaction's entries where they differed, None where one had none.
    """

    started_at: datetime
    outcome: Outcome
    status: int | None
    entries: tuple[int | None, ...] = ()


class Sends:
    """Keeps the sends of submissions that are leased."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last_send(self, item: Item, *steps: str) -> Send | None:
        """Return the latest send of a submission, or of some steps of it, that left us; None when none did."""
        left = (attempts.c.submission == item.key) & attempts.c.outcome.is_distinct_from(Outcome.NOT_SENT)
        mine = select(attempts).where(left).order_by(attempts.c.id.desc()).limit(1)
        if steps:
            mine = mine.where(attempts.c.step.in_((*steps, RESTORED)))
        with self._engine.connect() as connection:
            row = connection.execute(mine).one_or_none()
        if row is None:
            return None
        return Send(
            started_at=row.started_at,
            outcome=Outcome(row.outcome or Outcome.UNKNOWN),
            status=row.status,
            entries=tuple(orjson.loads(row.entries or "[]")),
        )

    def conflicts(self, item: Item, step: str) -> int:
        """Return how often the EHR has said to one step of a submission that somebody else wrote first."""
        mine = (attempts.c.submission == item.key) & (attempts.c.step == step)
        found = select(func.count()).where(mine, attempts.c.status.in_(CONFLICT))
        with self._engine.connect() as connection:
            return int(connection.scalar(found) or 0)

    def begin_send(self, item: Item, step: str, now: datetime) -> int:
        """Write down, with its audit row, that a send is about to happen; returns the attempt's id.

        Stops when the lease has passed to somebody else, before the first send of what was corrected since, and before
        any other of what was taken back.
        StoreError when it cannot be written down: nothing is sent.
        """
        with transaction(self._engine) as connection:
            owner = connection.scalar(select(submissions.c.lease_owner).where(submissions.c.key == item.key))
            if owner != item.lease:
                raise Stop(State.LEASED, "lease-lost")
            if is_corrected(connection, item.key):
                raise Stop(State.REPLACED, "corrected")
            taken_back = (submissions.c.key == item.key) & is_taken_back(submissions)
            if connection.scalar(select(submissions.c.key).where(taken_back)):
                # What takes it back looks for what is in the chart.
                raise Stop(State.UNKNOWN, NOT_READ_BACK)
            values = {"submission": item.key, "started_at": now, "step": step}
            attempt: int = connection.execute(insert(attempts).values(**values).returning(attempts.c.id)).scalar_one()
            note(connection, item, Event.SUBMISSION_SENT, step, now)
        return attempt

    def end_send(
        self, attempt: int, outcome: Outcome, *, status: int | None, entries: Sequence[int | None] = ()
    ) -> None:
        """Write down what became of a send; `status` is the HTTP status, None when no answer came.

        `entries` are the statuses of a transaction's entries where they differed.
        """
        told = orjson.dumps(entries).decode() if entries else None
        change = update(attempts).where(attempts.c.id == attempt)
        change = change.values(outcome=outcome, status=status, entries=told)
        with transaction(self._engine) as connection:
            connection.execute(change)
