"""Accepting a page that a clinician files: durable before anybody is told so, and once a day for the same page."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

import orjson
from sqlalchemy import Connection, Engine, exists, select

from fhir_alliance.audit import Event
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.receipts import RECEIPTS, STORE, Kind, Receipt, State, is_newest, place, receipt_of
from fhir_alliance.records.filed import FiledView, build_filed
from fhir_alliance.settings import NoteType, Rung
from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions
from fhir_alliance.terms import FILED_VIEW
from fhir_alliance.vault import Vault

_AGAIN: Final = "filed again"


class Filings:
    """Accepts pages into the outbox, where they are submissions that no form belongs to."""

    def __init__(self, outbox: Outbox, engine: Engine, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._engine = engine
        self._vault = vault
        self._clock = clock

    def accept(self, view: FiledView, note_type: NoteType, *, grant: str) -> Receipt:
        """Store a page in one transaction; the same page gets, on the same day, the first receipt again.

        After it was withdrawn it may be filed anew. StoreError when nothing was saved.
        """
        with transaction(self._engine) as connection:
            key = _key_of(connection, view)
            row = connection.execute(RECEIPTS.where(submissions.c.key == key)).one_or_none()
            if row is None:
                row = STORE.execute(connection, self._row(view, note_type, key=key, grant=grant)).one()
                event, by = Event.SUBMISSION_ACCEPTED, view.author
                self._outbox.note(connection, event, view.ehr, view.patient.id, view.launch, key, actor=by)
        self._outbox.accepted.set()
        return receipt_of(row)

    def of_therapist(self, ehr: str, patient: str, therapist: str) -> tuple[Receipt, ...]:
        """Return the newest version of each page about visits of a patient with a therapist."""
        mine = (submissions.c.ehr == ehr) & (submissions.c.patient == patient) & (submissions.c.therapist == therapist)
        found = RECEIPTS.where(mine, submissions.c.rung == Rung.DOCUMENT, is_newest())
        with self._engine.connect() as connection:
            return tuple(map(receipt_of, connection.execute(found)))

    def _row(self, view: FiledView, note_type: NoteType, *, key: str, grant: str) -> dict[str, object]:
        """Return the values of its row. It is about many visits, so none of them is told what was sent about it."""
        now = self._clock()
        document = orjson.dumps(build_filed(view, note_type, key=key))
        shown = orjson.dumps(asdict(view.patient))
        return {
            "key": key,
            "ehr": view.ehr,
            "patient": view.patient.id,
            "encounter": None,
            "launch": view.launch,
            "grant_id": grant,
            "of_grant": grant,
            "form": FILED_VIEW,
            "rater": "",
            "declined": False,
            "instrument_digest": view.instrument_digest,
            "answers_digest": self._outbox.digests(view.digest)[-1],
            "language": view.language,
            "audience_digest": view.audience_digest,
            "therapist": view.therapist,
            "payload": self._vault.seal(document, place=place(view.ehr, key, "payload")),
            "shown": self._vault.seal(shown, place=place(view.ehr, key, "shown")),
            "state": State.ACCEPTED,
            "attempts": 0,
            "next_attempt_at": now,
            "accepted_at": now,
            "rung": Rung.DOCUMENT,
        }


def _key_of(connection: Connection, view: FiledView) -> str:
    """Return the key of a page: its own, or another one for each time that it was withdrawn."""
    key = view.key
    while connection.scalar(
        select(exists().where(submissions.c.corrects == key, submissions.c.kind == Kind.WITHDRAWAL))
    ):
        key = str(uuid5(UUID(key), _AGAIN))
    return key
