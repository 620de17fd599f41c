"""Where a submission is, and what may be told of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, exists, func, insert, select

from fhir_alliance.errors import AllianceError
from fhir_alliance.fixed import Fixed
from fhir_alliance.settings import Rung
from fhir_alliance.tables import grants, submissions

NEEDS_SIGN_IN = "needs-sign-in"
IN_REVIEW = "in-review"
NOT_IN_CHART = "not-in-chart"
OWN_RATING = "own-rating"
SUPERSEDED = "superseded"
SCORED_ELSEWHERE = "scored-elsewhere"
STAYS_HERE = (NOT_IN_CHART, OWN_RATING, SUPERSEDED, SCORED_ELSEWHERE)
"""Why a submission is never written.

No chart takes it, it is a therapist's rating, which no note holds, or it is a response of others that has a later
version or another program's scores.
"""
CHANGED_IN_CHART = "changed-in-chart"
"""Why a correction waits: somebody else has changed in the chart what it corrects, and that is never overwritten."""
GONE_FROM_CHART = "gone-from-chart"
"""Why a correction waits: the chart has no longer what it corrects."""
OTHER_WAY = "other-way"
"""Why a correction is held: this EHR is written in another way now than the form that it corrects."""
NO_UPDATES = "no-updates"
"""Why a correction waits: the EHR does not let us change what we wrote, so a person has to, there."""
DELETED = b""
"""What stands where something sealed was deleted at its time."""
# Made once: an alias copies every column.
_later = submissions.alias("later")


class State(StrEnum):
    """Where a submission is; UNKNOWN was sent without a usable answer, HELD waits for a person.

    REPLACED was taken back, or changed, before anything of it had been sent, or taken back before it was known to be in
    the chart: nothing more of it is sent.
    """

    ACCEPTED = "accepted"
    LEASED = "leased"
    UNKNOWN = "unknown"
    HELD = "held"
    REJECTED = "rejected"
    DELIVERED = "delivered"
    REPLACED = "replaced"


class Kind(StrEnum):
    """What a submission is: a form as first sent, other answers instead of it, or that it is taken back."""

    ORIGINAL = "original"
    AMENDMENT = "amendment"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What may be told about a submission; `reason` is a plain code, and only DELIVERED means that the chart says so.

    `form_key` is the key of the form's first version, which is its own unless it is a correction; `asked_by` is who
    asked for a correction.
    """

    key: str
    form_key: str
    version: int
    kind: Kind
    rater: str
    launch: str
    form: str
    encounter: str | None
    therapist: str | None
    declined: bool
    state: State
    accepted_at: datetime
    delivered_at: datetime | None
    reason: str | None
    rung: Rung
    asked_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """One version of a response that somebody else wrote into the chart, by its id there."""

    response: str
    version: str


class UnknownReceipt(AllianceError):
    """No submission has this key."""

    code = "submission.unknown"
    http_status = 404
    title = "There is no such receipt"
    sentence = "We have no answers under this address. Please open the form again from your health record."


def place(ehr: str, key: str, column: str) -> str:
    """Return where a sealed value of a submission belongs."""
    return f"{ehr}/submissions/{key}/{column}"


_RECEIPT = tuple(
    submissions.c[name]
    for name in (
        "key",
        "corrects",
        "version",
        "kind",
        "rater",
        "ehr",
        "launch",
        "form",
        "encounter",
        "therapist",
        "declined",
        "answers_digest",
        "state",
        "accepted_at",
        "delivered_at",
        "reason",
        "rung",
        "asked_by",
    )
)


RECEIPTS: Final = select(*_RECEIPT)
"""The query for what receipts are made of."""
STORE: Final = Fixed(
    insert(submissions)
    .values(fhir_base=select(grants.c.fhir_base).where(grants.c.id == bindparam("of_grant")).scalar_subquery())
    .returning(*_RECEIPT)
)
"""What stores a submission, and gives what its receipt is made of.

Whatever the settings say later, it belongs into the chart of the EHR that gave the permission `of_grant` (F44).
"""


def is_sent_here() -> ColumnElement[bool]:
    """Return what holds for a form that was filled in with this app: a response of others is theirs to correct."""
    return submissions.c.harvested_version.is_(None)


def is_form() -> ColumnElement[bool]:
    """Return what holds for a form, and not for a page that a clinician has filed."""
    return submissions.c.rung != Rung.DOCUMENT


def form_key() -> ColumnElement[str]:
    """Return the key that all versions of a form share: that of the first."""
    return func.coalesce(submissions.c.corrects, submissions.c.key)


def versions_of(connection: Connection, key: str) -> tuple[str, ...]:
    """Return the keys of all versions of the form that a submission is one of; of a response of others by its id."""
    this = connection.execute(select(submissions).where(submissions.c.key == key)).one()
    mine = form_key() == (this.corrects or this.key)
    if this.harvested_version is not None:
        of_others = submissions.c.harvested_version.is_not(None) & (submissions.c.response_id == this.response_id)
        mine = mine | ((submissions.c.ehr == this.ehr) & of_others)
    return tuple(connection.scalars(select(submissions.c.key).where(mine)))


def is_newest() -> ColumnElement[bool]:
    """Return what holds for a submission that no later version has corrected."""
    return ~exists().where(_later.c.corrects == form_key(), _later.c.version > submissions.c.version)


def receipt_of(row: Row[tuple[object, ...]]) -> Receipt:
    """Return the receipt that a row of that query holds."""
    return Receipt(
        key=row.key,
        form_key=row.corrects or row.key,
        version=row.version,
        kind=Kind(row.kind),
        rater=row.rater,
        launch=row.launch,
        form=row.form,
        encounter=row.encounter,
        therapist=row.therapist,
        declined=row.declined,
        state=State(row.state),
        accepted_at=row.accepted_at,
        delivered_at=row.delivered_at,
        reason=row.reason,
        rung=Rung(row.rung),
        asked_by=row.asked_by,
    )
