"""Where a submission is, and what may be told of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, Select, select

from fhir_alliance.errors import AllianceError
from fhir_alliance.settings import Rung
from fhir_alliance.tables import submissions

NEEDS_SIGN_IN = "needs-sign-in"
IN_REVIEW = "in-review"
NOT_IN_CHART = "not-in-chart"
OWN_RATING = "own-rating"
STAYS_HERE = (NOT_IN_CHART, OWN_RATING)
"""Why a submission is never written: no chart takes it, or it is a therapist's rating, which no note holds."""
DELETED = b""
"""What stands where something sealed was deleted at its time."""


class State(StrEnum):
    """Where a submission is; UNKNOWN was sent without a usable answer, HELD waits for a person."""

    ACCEPTED = "accepted"
    LEASED = "leased"
    UNKNOWN = "unknown"
    HELD = "held"
    REJECTED = "rejected"
    DELIVERED = "delivered"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What may be told about a submission; `reason` is a plain code, and only DELIVERED means "in the chart"."""

    key: str
    launch: str
    form: str
    encounter: str | None
    declined: bool
    state: State
    accepted_at: datetime
    delivered_at: datetime | None
    reason: str | None
    rung: Rung


class UnknownReceipt(AllianceError):
    """No submission has this key."""

    code = "submission.unknown"
    http_status = 404
    title = "There is no such receipt"
    sentence = "We have no answers under this address. Please open the form again from your health record."


def place(ehr: str, key: str, column: str) -> str:
    """Return where a sealed value of a submission belongs."""
    return f"{ehr}/submissions/{key}/{column}"


_RECEIPT = (
    "key",
    "ehr",
    "launch",
    "form",
    "encounter",
    "declined",
    "answers_digest",
    "state",
    "accepted_at",
    "delivered_at",
    "reason",
    "rung",
)


def receipts() -> Select[tuple[object, ...]]:
    """Return the query for what receipts are made of."""
    return select(*(submissions.c[name] for name in _RECEIPT))


def receipt_of(row: Row[tuple[object, ...]]) -> Receipt:
    """Return the receipt that a row of that query holds."""
    return Receipt(
        key=row.key,
        launch=row.launch,
        form=row.form,
        encounter=row.encounter,
        declined=row.declined,
        state=State(row.state),
        accepted_at=row.accepted_at,
        delivered_at=row.delivered_at,
        reason=row.reason,
        rung=Rung(row.rung),
    )
