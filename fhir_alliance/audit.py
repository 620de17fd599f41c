"""The audit trail: who did what to whose record, each row chained to the one before; no answers, names or tokens."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from itertools import takewhile
from typing import Any, Final

import orjson
from sqlalchemy import Connection, RowMapping, insert, select

from fhir_alliance.fixed import Fixed
from fhir_alliance.tables import audit

_START: Final = "0" * 64
_CHAINED: Final = ("at", "event", "actor", "ehr", "patient", "launch", "outcome", "request_id", "previous")


class Event(StrEnum):
    """What can happen to a patient's record, or be refused, and to the EHRs a site works with."""

    LAUNCH_OPENED = "launch.opened"
    LAUNCH_REFUSED = "launch.refused"
    CONTEXT_IGNORED = "launch.context-ignored"
    ACCESS_REFUSED = "access.refused"
    PATIENT_CONFIRMED = "patient.confirmed"
    PATIENT_DENIED = "patient.denied"
    CHART_READ = "chart.read"
    OVERVIEW_READ = "overview.read"
    FORM_OPENED = "form.opened"
    FORM_DECLINED = "form.declined"
    HANDOVER_CREATED = "handover.created"
    HANDOVER_USED = "handover.used"
    HANDOVER_REFUSED = "handover.refused"
    HANDOVER_RESUMED = "handover.resumed"
    LINK_MADE = "link.made"
    LINK_SENT = "link.sent"
    LINK_OPENED = "link.opened"
    LINK_MISMATCHED = "link.mismatched"
    LINK_LOCKED = "link.locked"
    LINK_USED = "link.used"
    LINK_REVOKED = "link.revoked"
    LINK_REFUSED = "link.refused"
    REMINDER_SENT = "reminder.sent"
    TABLET_INVITED = "tablet.invited"
    TABLET_REGISTERED = "tablet.registered"
    TABLET_REMOVED = "tablet.removed"
    TABLET_REFUSED = "tablet.refused"
    SUBMISSION_ACCEPTED = "submission.accepted"
    SUBMISSION_SENT = "submission.sent"
    SUBMISSION_DELIVERED = "submission.delivered"
    SUBMISSION_HELD = "submission.held"
    SUBMISSION_REJECTED = "submission.rejected"
    SUBMISSION_RENEWED = "submission.renewed"
    SUBMISSION_AMENDED = "submission.amended"
    SUBMISSION_WITHDRAWN = "submission.withdrawn"
    SUBMISSION_REPLACED = "submission.replaced"
    SUBMISSION_RETRIED = "submission.retried"
    SUBMISSION_RELEASED = "submission.released"
    SUBMISSION_DOUBTED = "submission.doubted"
    SUBMISSION_PURGED = "submission.purged"
    DELIVERY_READ = "delivery.read"
    ALERT_OPENED = "alert.opened"
    ALERT_NOTIFIED = "alert.notified"
    ALERT_ESCALATED = "alert.escalated"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_CHANGED = "alert.changed"
    ALERT_WITHDRAWN = "alert.withdrawn"
    ALERT_WITHDRAWAL_TOLD = "alert.withdrawal-told"
    ADMIN_LINKED = "admin.linked"
    ADMIN_ADMITTED = "admin.admitted"
    READER_ADMITTED = "reader.admitted"
    READER_REFUSED = "reader.refused"
    RECORDS_READ = "records.read"
    RECORDS_REFUSED = "records.refused"
    CARDS_GIVEN = "cards.given"
    HARVEST_LOOKED = "harvest.looked"
    HARVEST_REFUSED = "harvest.refused"
    HARVEST_CLAIM_DIFFERS = "harvest.claim-differs"
    KEYS_ROTATED = "keys.rotated"
    KEYS_RETIRED = "keys.retired"
    EHR_CHANGED = "ehr.changed"
    EHR_VOUCHED = "ehr.vouched"
    EHR_CONFIRMED = "ehr.confirmed"
    EHR_REMOVED = "ehr.removed"
    WISH_CHANGED = "wish.changed"
    BULK_BEGUN = "bulk.begun"
    BULK_ENDED = "bulk.ended"
    REASON_ANSWERED = "reason.answered"
    REASON_REOPENED = "reason.reopened"
    AGREEMENT_CHANGED = "agreement.changed"
    STORE_RESTORED = "store.restored"
    PROBE_OPENED = "probe.opened"
    PROBE_REFUSED = "probe.refused"
    PROBE_SENT = "probe.sent"
    PROBE_ENDED = "probe.ended"


_HEAD: Final = Fixed(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
_APPEND: Final = Fixed(insert(audit))


def record(
    connection: Connection,
    *,
    at: datetime,
    event: Event,
    actor: str,
    ehr: str,
    patient: str | None,
    launch: str | None,
    outcome: str,
    request_id: str | None,
) -> None:
    """Append one row within the caller's transaction, so that nothing happens without it.

    `actor` is a relative reference or the name of a part of this program, `patient` a FHIR id, `outcome` a plain code.
    """
    row = {
        "at": at,
        "event": event.value,
        "actor": actor,
        "ehr": ehr,
        "patient": patient,
        "launch": launch,
        "outcome": outcome,
        "request_id": request_id,
        "previous": head(connection),
    }
    _APPEND.execute(connection, {**row, "hash": _hash(row)})


def head(connection: Connection) -> str:
    """Return the hash of the last row; kept outside the database, it shows when rows were cut off."""
    return _HEAD.execute(connection, {}).scalar() or _START


def latest(connection: Connection, event: Event, *, since: datetime) -> datetime | None:
    """Return when something has happened last, None when it has not since then; reads no older rows."""
    newest = select(audit.c.at, audit.c.event).order_by(audit.c.id.desc()).execution_options(yield_per=100)
    with connection.execute(newest) as rows:
        recent = takewhile(lambda row: row.at >= since, rows)
        return next((row.at for row in recent if row.event == event), None)


def verify(connection: Connection, *, known_head: str | None = None) -> list[str]:
    """Return a line for every broken link: rows changed, missing, reordered, or cut off after `known_head`."""
    return list(_broken(connection, known_head))


def _broken(connection: Connection, known_head: str | None) -> Iterator[str]:
    last, heads = _START, {_START}
    for row in connection.execute(select(audit).order_by(audit.c.id)).mappings():
        if row["previous"] != last:
            yield f"row {row['id']}: does not follow the row before it"
        if row["hash"] != _hash(row):
            yield f"row {row['id']}: was changed"
        last = row["hash"]
        heads.add(last)
    if known_head is not None and known_head not in heads:
        yield "the last rows were cut off"


def _hash(row: Mapping[str, Any] | RowMapping) -> str:
    at: datetime = row["at"]
    values = [at.astimezone(UTC).isoformat(), *(row[name] for name in _CHAINED[1:])]
    return hashlib.sha256(orjson.dumps(values)).hexdigest()
