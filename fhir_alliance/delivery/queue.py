"""The outbox as the courier sees it: one leased item at a time, every send written down before it happens."""

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import orjson
from sqlalchemy import Engine, Select, select, update

from fhir_alliance.audit import Event
from fhir_alliance.delivery.due import ehrs_due, next_doubtful, next_due
from fhir_alliance.delivery.items import Item, item_of, note
from fhir_alliance.delivery.outcomes import Settlement
from fhir_alliance.delivery.receipts import DELETED, NEEDS_SIGN_IN, Kind, State, place
from fhir_alliance.delivery.sends import Sends
from fhir_alliance.delivery.turns import turn
from fhir_alliance.delivery.versions import Versions, give_up
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import ANSWER
from fhir_alliance.store import transaction
from fhir_alliance.tables import grants, submissions
from fhir_alliance.vault import Vault

# Longer than the requests of one delivery take together; a successor reconciles before it sends.
_LEASE: Final = 10
_LOOK_AGAIN: Final = timedelta(hours=1)
_EVENTS: Final = {
    State.DELIVERED: Event.SUBMISSION_DELIVERED,
    State.HELD: Event.SUBMISSION_HELD,
    State.REJECTED: Event.SUBMISSION_REJECTED,
    State.REPLACED: Event.SUBMISSION_REPLACED,
}


class Queue(Sends):
    """Leases what is due, and keeps what happened to it; `answer` is the longest that an EHR may take to answer."""

    def __init__(self, engine: Engine, vault: Vault, *, answer: timedelta = ANSWER) -> None:
        super().__init__(engine)
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
                note(connection, item, event, settlement.reason or "done", now)
            if settled and (item.kind, settlement.state) == (Kind.WITHDRAWAL, State.DELIVERED):
                for key in give_up(connection, item.form_key, item.version):
                    note(connection, replace(item, key=key), Event.SUBMISSION_REPLACED, "taken-back", now)

    def _take(self, which: Select[tuple[str]], **values: Any) -> Item | None:
        lease = str(uuid4())
        change = update(submissions).where(submissions.c.key == which.scalar_subquery())
        with transaction(self._engine) as connection:
            taken = connection.execute(change.values(lease_owner=lease, **values).returning(submissions))
            row = taken.one_or_none()
        return None if row is None else item_of(row, lease)


def _signed_in_since(item: Item) -> Select[tuple[str]]:
    """Return the query for the latest permission for a chart that is newer than an item, and than the one it has."""
    used = select(grants.c.created_at).where(grants.c.id == item.grant).scalar_subquery()
    accepted = select(submissions.c.accepted_at).where(submissions.c.key == item.key).scalar_subquery()
    mine = (grants.c.ehr == item.ehr) & (grants.c.patient == item.patient) & grants.c.ended_at.is_(None)
    found = select(grants.c.id).where(mine, grants.c.created_at > used, grants.c.created_at > accepted)
    return found.order_by(grants.c.created_at.desc()).limit(1)
