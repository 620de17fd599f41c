"""One leased submission, as a row of the outbox holds it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.settings import Rung


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


def note(connection: Connection, item: Item, event: Event, outcome: str, now: datetime) -> None:
    """Add a row about an item to the audit trail, in the caller's transaction."""
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
