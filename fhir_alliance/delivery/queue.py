"""The outbox as the courier sees it: one leased item at a time, every send written down before it happens."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import orjson
from sqlalchemy import Connection, Engine, Row, Select, func, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.due import ehrs_due, next_doubtful, next_due
from fhir_alliance.delivery.outcomes import NOT_READ_BACK, Outcome, Settlement, Stop
from fhir_alliance.delivery.receipts import DELETED, NEEDS_SIGN_IN, Kind, State, place
from fhir_alliance.delivery.turns import turn
from fhir_alliance.delivery.versions import CONFLICT, Versions, give_up, is_corrected, is_taken_back
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import ANSWER, Rung
from fhir_alliance.store import transaction
from fhir_alliance.tables import attempts, grants, submissions
from fhir_alliance.vault import Vault

# Longer than the requests of one delivery take together; a successor reconciles before it sends.
_LEASE: Final = 10
RESTORED: Final = "restored"
"""The step of what a backup does not know: any send may have left before the database was lost."""

_LOOK_AGAIN: Final = timedelta(hours=1)
_EVENTS: Final = {
    State.DELIVERED: Event.SUBMISSION_DELIVERED,
    State.HELD: Event.SUBMISSION_HELD,
    State.REJECTED: Event.SUBMISSION_REJECTED,
    State.REPLACED: Event.SUBMISSION_REPLACED,
}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One leased submission; `tries` counts this one, `payload` and `shown` are sealed.

    `fhir_base` is the EHR's address when it was accepted, None in what an older version accepted. Of a response that
    somebody else wrote `harvested_version` was scored, and the scores alone are sent. `sender` is who sends it
    by the audit trail: the courier with the person's permission, or as a backend service with the app's own.
    `reason` is why the try before this one ended, None when it is the first.
    `form_key` and what follows say which form it is a version of, and why one after the first was asked for by whom.
    """

    key: str
    sequence: int
    ehr: str
    patient: str
    encounter: str | None
    launch: str
    grant: str
    tries: int
    response_id: str | None
    lease: str
    rung: Rung
    fhir_base: str | None
    payload: bytes = field(repr=False)
    shown: bytes = field(repr=False)
    sealed_pieces: bytes | None = field(repr=False)
    harvested_version: str | None = None
    sender: str = "courier"
    reason: str | None = None
    form_key: str = ""
    version: int = 1
    kind: Kind = Kind.ORIGINAL
    cause: str = ""
    asked_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Send:
    """One send: when it began and what became of it; `status` is the HTTP status, None when no answer came.

    `entries` are the statuses of a transaction's entries where they differed, None where one had none.
    """

    started_at: datetime
    outcome: Outcome
    status: int | None
    entries: tuple[int | None, ...] = ()


class Queue:
    """Leases what is due, and keeps what happened to it; `answer` is the longest that an EHR may take to answer."""

    def __init__(self, engine: Engine, vault: Vault, *, answer: timedelta = ANSWER) -> None:
        self._engine = engine
        self._vault = vault
        self.versions = Versions(engine, vault)
        self._lease = answer * _LEASE

    def waiting_at(self, now: datetime) -> frozenset[str]:
        """Return the names of the EHRs for which something is due, be it another look."""
        with self._engine.connect() as connection:
            return frozenset(connection.scalars(ehrs_due(now)))

    def lease(self, now: datetime, ehr: str | None = None) -> Item | None:
        """Lease the next submission due, for one EHR or any, per patient in the order accepted; None when none is."""
        tries = submissions.c.attempts + 1
        return self._take(next_due(now, ehr), state=State.LEASED, leased_until=now + self._lease, attempts=tries)

    def doubtful(self, now: datetime, ehr: str | None = None) -> Item | None:
        """Take the next delivered submission to look at again, once an hour whoever asks; None when none is."""
        return self._take(next_doubtful(now, ehr), next_attempt_at=now + _LOOK_AGAIN)

    def turn(self, ehr: str) -> AbstractContextManager[bool]:
        """Hold one of the few turns to deliver to an EHR; what is yielded says whether there was one."""
        return turn(self._engine, ehr)

    def bundle(self, item: Item) -> bytes:
        """Return the write-back bundle as it was accepted; VaultError when it was tampered with."""
        return self._vault.open(item.payload, place=place(item.ehr, item.key, "payload"))

    def earlier(self, item: Item) -> tuple[bytes | None, ...]:
        """Return the bundles of the other versions of a harvested response, None for one that was deleted since."""
        others = (submissions.c.response_id == item.response_id) & (submissions.c.key != item.key)
        harvested = submissions.c.harvested_version.is_not(None) & (submissions.c.ehr == item.ehr)
        with self._engine.connect() as connection:
            rows = connection.execute(select(submissions.c.key, submissions.c.payload).where(others, harvested)).all()
        return tuple(
            None if row.payload == DELETED else self._vault.open(row.payload, place=place(item.ehr, row.key, "payload"))
            for row in rows
        )

    def pieces(self, item: Item) -> bytes:
        """Return what is written on a lesser rung, as `way_into` made it; VaultError when it was tampered with."""
        return self._vault.open(item.sealed_pieces or b"", place=place(item.ehr, item.key, "pieces"))

    def patient(self, item: Item) -> PatientShown:
        """Return the patient as shown when the form was answered; VaultError when it was tampered with."""
        shown = self._vault.open(item.shown, place=place(item.ehr, item.key, "shown"))
        return PatientShown.read(orjson.loads(shown))

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
            _audit(connection, item, Event.SUBMISSION_SENT, step, now)
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

    def keep_response(self, item: Item, response_id: str) -> None:
        """Remember under which id the EHR keeps the response, so that it is never searched for, or sent, again."""
        change = update(submissions).where(submissions.c.key == item.key).values(response_id=response_id)
        with transaction(self._engine) as connection:
            connection.execute(change)

    def settle(self, item: Item, settlement: Settlement, now: datetime) -> None:
        """End the lease with what the try came to; a lease that was lost changes nothing.

        When a form has been taken back, what was open of its versions ends with it. What needs a sign-in does not wait
        for a second one when the patient's chart was opened anew since it was accepted (F14).
        """
        values: dict[str, Any] = {
            "state": settlement.state,
            "reason": settlement.reason,
            "next_attempt_at": settlement.retry_at or now,
            "delivered_at": now if settlement.state is State.DELIVERED else None,
            "leased_until": None,
            "lease_owner": None,
        }
        mine = (submissions.c.key == item.key) & (submissions.c.lease_owner == item.lease)
        with transaction(self._engine) as connection:
            event = _EVENTS.get(settlement.state)
            if settlement.reason == NEEDS_SIGN_IN and (newer := connection.scalar(_signed_in_since(item))):
                settlement, event = Settlement(state=State.ACCEPTED), Event.SUBMISSION_RENEWED
                values |= {"grant_id": newer, "state": settlement.state, "reason": settlement.reason}
            settled = connection.execute(update(submissions).where(mine).values(**values)).rowcount
            if settled and event:
                _audit(connection, item, event, settlement.reason or "done", now)
            if settled and (item.kind, settlement.state) == (Kind.WITHDRAWAL, State.DELIVERED):
                for key in give_up(connection, item.form_key, item.version):
                    _audit(connection, replace(item, key=key), Event.SUBMISSION_REPLACED, "taken-back", now)

    def _take(self, which: Select[tuple[str]], **values: Any) -> Item | None:
        lease = str(uuid4())
        change = update(submissions).where(submissions.c.key == which.scalar_subquery())
        with transaction(self._engine) as connection:
            taken = connection.execute(change.values(lease_owner=lease, **values).returning(submissions))
            row = taken.one_or_none()
        return None if row is None else item_of(row, lease)


def item_of(row: Row[Any], lease: str) -> Item:
    """Return the item that a row of the submissions holds."""
    return Item(
        key=row.key,
        sequence=row.sequence,
        ehr=row.ehr,
        patient=row.patient,
        encounter=row.encounter,
        launch=row.launch,
        grant=row.grant_id,
        tries=row.attempts,
        response_id=row.response_id,
        lease=lease,
        rung=Rung(row.rung),
        fhir_base=row.fhir_base,
        sealed_pieces=row.pieces,
        harvested_version=row.harvested_version,
        reason=row.reason,
        payload=row.payload,
        shown=row.shown,
        form_key=row.corrects or row.key,
        version=row.version,
        kind=Kind(row.kind),
        cause=row.cause or "",
        asked_by=row.asked_by or "",
    )


def _signed_in_since(item: Item) -> Select[tuple[str]]:
    """Return the query for the latest permission for a chart that is newer than an item, and than the one it has."""
    used = select(grants.c.created_at).where(grants.c.id == item.grant).scalar_subquery()
    accepted = select(submissions.c.accepted_at).where(submissions.c.key == item.key).scalar_subquery()
    mine = (grants.c.ehr == item.ehr) & (grants.c.patient == item.patient) & grants.c.ended_at.is_(None)
    found = select(grants.c.id).where(mine, grants.c.created_at > used, grants.c.created_at > accepted)
    return found.order_by(grants.c.created_at.desc()).limit(1)


def _audit(connection: Connection, item: Item, event: Event, outcome: str, now: datetime) -> None:
    record(
        connection,
        at=now,
        event=event,
        actor=item.sender,
        ehr=item.ehr,
        patient=item.patient,
        launch=item.launch,
        outcome=outcome,
        request_id=item.key,
    )
