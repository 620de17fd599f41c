"""What is accepted, as those who look after delivery see it: states, times and attempts; no answers and no names."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Engine, Row, Select, func, select

from fhir_alliance.audit import Event
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.reason_table import Reason
from fhir_alliance.delivery.reasons import reason_of
from fhir_alliance.delivery.receipts import STAYS_HERE, Kind, State, UnknownReceipt
from fhir_alliance.settings import Rung
from fhir_alliance.tables import attempts, audit, submissions

# Not REJECTED alone: whatever waits for the EHR or for a person, and nothing that is done with or stays here by design.
_OPEN: Final = (State.ACCEPTED, State.LEASED, State.UNKNOWN, State.HELD, State.REJECTED)
# Payloads are long, and sealed for a reason: they are not even read here.
_COLUMNS: Final = tuple(
    submissions.c[name]
    for name in (
        *("key", "ehr", "patient", "form", "rung", "state", "reason", "accepted_at", "delivered_at"),
        *("next_attempt_at", "attempts", "fhir_base", "kind", "corrects"),
    )
)
_STOPPED: Final = (State.HELD, State.REJECTED)
_DECISIONS: Final = (
    Event.SUBMISSION_RETRIED,
    Event.SUBMISSION_RELEASED,
    Event.SUBMISSION_RENEWED,
    Event.SUBMISSION_DOUBTED,
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where one submission is; `patient` is the EHR's id, `since` when it came to be where it is.

    `next_at` is when it is tried again, None when it is not tried by itself; `fhir_base` is the EHR's address when it
    was accepted, None in what an older version accepted; `corrects` is the key of the form's first version.
    """

    key: str
    ehr: str
    patient: str
    form: str
    rung: Rung
    state: State
    code: str | None
    accepted_at: datetime
    since: datetime
    next_at: datetime | None
    tries: int
    fhir_base: str | None
    kind: Kind = Kind.ORIGINAL
    corrects: str | None = None

    @property
    def form_key(self) -> str:
        """The key that all versions of a form share: that of the first."""
        return self.corrects or self.key

    @property
    def reason(self) -> Reason:
        """Why it is there, in words."""
        return reason_of(self.state, self.code, self.kind)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One send: `status` is the HTTP status, None when no answer came; cut off by a crash, its outcome is UNKNOWN.

    `entries` are the statuses of a transaction's entries where they differed, None where one had none.
    """

    at: datetime
    step: str
    outcome: Outcome
    status: int | None
    entries: tuple[int | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Somebody let it go on: who, when, and what was said."""

    at: datetime
    what: str
    by: str
    said: str


def waiting() -> ColumnElement[bool]:
    """Return the condition for what is not in the chart and should be."""
    return submissions.c.state.in_(_OPEN) & func.coalesce(submissions.c.reason, "").not_in(STAYS_HERE)


class Entries:
    """Reads where submissions are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(
        self,
        *,
        ehr: str | None = None,
        state: State | None = None,
        code: str | None = None,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return what fits, oldest first: of one EHR, in a state, for a reason, accepted before then.

        Without a state it is what is not in the chart and should be.
        """
        wanted = [waiting() if state is None else submissions.c.state == state]
        chosen = ((submissions.c.ehr, ehr), (submissions.c.reason, code))
        wanted += [column == value for column, value in chosen if value is not None]
        wanted += [] if before is None else [submissions.c.accepted_at <= before]
        return self._read(select(*_COLUMNS).where(*wanted).order_by(submissions.c.sequence).limit(limit))

    def of_patient(self, ehr: str, patient: str, *, since: datetime) -> tuple[Entry, ...]:
        """Return a patient's submissions that are not in the chart, and those accepted since then, newest first."""
        mine = (submissions.c.ehr == ehr) & (submissions.c.patient == patient)
        recent = submissions.c.accepted_at >= since
        return self._read(select(*_COLUMNS).where(mine, waiting() | recent).order_by(submissions.c.sequence.desc()))

    def stuck_with(self, ehr: str, therapist: str) -> tuple[Entry, ...]:
        """Return what is about visits with a therapist and does not get into the chart by itself, oldest first."""
        mine = (submissions.c.ehr == ehr) & (submissions.c.therapist == therapist)
        stuck = submissions.c.state.in_((State.UNKNOWN, *_STOPPED))
        return self._read(select(*_COLUMNS).where(mine, waiting(), stuck).order_by(submissions.c.sequence))

    def one(self, key: str) -> Entry:
        """Return one; UnknownReceipt when there is none of this key."""
        found = self._read(select(*_COLUMNS).where(submissions.c.key == key))
        if not found:
            raise UnknownReceipt
        return found[0]

    def attempts(self, key: str) -> tuple[Attempt, ...]:
        """Return every send of a submission, oldest first."""
        mine = select(attempts).where(attempts.c.submission == key).order_by(attempts.c.id)
        with self._engine.connect() as connection:
            return tuple(
                Attempt(
                    at=row.started_at,
                    step=row.step,
                    outcome=Outcome(row.outcome or Outcome.UNKNOWN),
                    status=row.status,
                    entries=tuple(orjson.loads(row.entries or "[]")),
                )
                for row in connection.execute(mine)
            )

    def decisions(self, key: str) -> tuple[Decision, ...]:
        """Return who let a submission go on, oldest first, as the audit trail has it."""
        mine = select(audit).where(audit.c.request_id == key, audit.c.event.in_(_DECISIONS)).order_by(audit.c.id)
        with self._engine.connect() as connection:
            rows: Iterable[Row[Any]] = connection.execute(mine).all()
        return tuple(Decision(at=row.at, what=row.event, by=row.actor, said=row.outcome) for row in rows)

    def _read(self, query: Select[Any]) -> tuple[Entry, ...]:
        with self._engine.connect() as connection:
            return tuple(_entry(row) for row in connection.execute(query))


def _entry(row: Row[Any]) -> Entry:
    state = State(row.state)
    return Entry(
        key=row.key,
        ehr=row.ehr,
        patient=row.patient,
        form=row.form,
        rung=Rung(row.rung),
        state=state,
        code=row.reason,
        accepted_at=row.accepted_at,
        # A try that ended in a person's hands leaves its own time there.
        since=row.delivered_at or (row.next_attempt_at if state in _STOPPED else row.accepted_at),
        next_at=None if state in (*_STOPPED, State.DELIVERED, State.LEASED, State.REPLACED) else row.next_attempt_at,
        tries=row.attempts,
        fhir_base=row.fhir_base,
        kind=Kind(row.kind),
        corrects=row.corrects,
    )
