"""What is kept because an EHR cannot give it back: for the clinician's view, for notes, and until its date."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, Row, bindparam, delete, exists, func, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.items import Item, item_of
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.receipts import (
    DELETED,
    SCORED_ELSEWHERE,
    STAYS_HERE,
    SUPERSEDED,
    State,
    form_key,
    is_newest,
    place,
)
from fhir_alliance.fixed import Fixed
from fhir_alliance.records.kept import kept_version
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung
from fhir_alliance.store import transaction
from fhir_alliance.tables import agreements, attempts, card_feedback, drafts, reasons, submissions
from fhir_alliance.trajectory.series import Rating, Series, UsualRange, Visit, read_series
from fhir_alliance.trajectory.usual import usual_range
from fhir_alliance.vault import Vault

CONFIRMED: Final = timedelta(days=30)
"""How long after it is in the chart a payload is deleted here (P10)."""

# After its form is not asked any more; where that is not known, longer than a launch lasts: nobody can go on with it.
_DRAFTS: Final = timedelta(hours=24)
# After it was received what became of a CDS Hooks card: longer than a site looks back at what its cards are for.
_FEEDBACK: Final = timedelta(days=365)
# When a submission is looked at again that could not be confirmed.
_AGAIN: Final = timedelta(days=1)
# Made once: an alias copies every column.
_later = submissions.alias("later")


@dataclass(frozen=True, kw_only=True)
class VisitNote:
    """One submission of a visit whose scores go into a note; since `sent_at` a note of its own may be there.

    A correction that leaves nothing to tell of its form has no pieces.
    """

    key: str
    form_key: str
    sequence: int
    delivered: bool
    accepted_at: datetime
    sent_at: datetime | None
    pieces: dict[str, Any] | None = field(repr=False)

    @property
    def sent(self) -> bool:
        """Whether a note of its own may be there."""
        return self.sent_at is not None


_KEPT: Final = (
    select(submissions)
    .where(
        submissions.c.ehr == bindparam("of_ehr"),
        submissions.c.patient == bindparam("of_patient"),
        submissions.c.kept_until > bindparam("now"),
        is_newest(),
    )
    .order_by(submissions.c.sequence)
)
_LESSER: Final = Fixed(_KEPT.where(submissions.c.rung != Rung.OBSERVATIONS))
_NOTES: Final = Fixed(_KEPT.where(submissions.c.rung == Rung.NOTE))


class Keeping:
    """Reads what the lesser rungs keep, and deletes it when the site's retention date has come."""

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock

    def kept(self, *, ehr: str, patient: str) -> tuple[dict[str, Any], ...]:
        """Return what a patient's chart cannot give back, oldest first, as it was accepted or corrected last.

        These are the responses and Observations of the lesser rungs, until their retention date; VaultError when one
        was tampered with.
        """
        return tuple(each for row in self._kept(_LESSER, ehr, patient) for each in self._resources(row))

    def usual_before(self, submission: Submission) -> dict[str, UsualRange]:
        """Return, by score code, the person's own usual range with this therapist before this visit.

        It is made, as in the clinician's view, from the ratings that are kept for the notes; VaultError as above.
        """
        rows = self._kept(_NOTES, submission.ehr, submission.patient.id)
        resources = [each for row in rows for each in self._resources(row)]
        observations = [each for each in resources if each["resourceType"] == "Observation"]
        visits = [_visit(row) for row in rows if row.encounter]
        found = read_series(observations, visits, submission.instrument, patient=submission.patient.id)
        scales = {scale.name: scale for scale in submission.form.scales}
        ranges = {
            each.code: usual_range(_ratings(each, submission.encounter), scales[each.scale])
            for each in found
            if each.therapist == submission.therapist and each.scale in scales
        }
        return {code: usual for code, usual in ranges.items() if usual}

    def notes_of_visit(self, item: Item) -> tuple[VisitNote, ...]:
        """Return the submissions whose scores belong into the same note as a leased one, itself too, oldest first.

        They are of one encounter; without an encounter, of one day at the site.
        """
        left = func.coalesce(attempts.c.outcome, Outcome.UNKNOWN).not_in((Outcome.REFUSED, Outcome.NOT_SENT))
        mine_left = (attempts.c.submission == submissions.c.key) & left
        sent_at = select(func.min(attempts.c.started_at)).where(mine_left).scalar_subquery()
        mine = (submissions.c.ehr == item.ehr) & (submissions.c.patient == item.patient)
        here = submissions.c.encounter.is_not_distinct_from(item.encounter) & (submissions.c.rung == Rung.NOTE)
        noted = submissions.c.pieces.is_not(None) | submissions.c.corrects.is_not(None)
        found = (
            select(submissions, sent_at.label("sent_at"))
            .where(mine, here, noted, (submissions.c.state != State.REPLACED) | sent_at.is_not(None))
            .order_by(submissions.c.sequence)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(found).all()
        notes = [
            VisitNote(
                key=row.key,
                form_key=row.corrects or row.key,
                sequence=row.sequence,
                delivered=row.state == State.DELIVERED,
                accepted_at=row.accepted_at,
                sent_at=row.sent_at,
                pieces=self._open(row, "pieces") if row.pieces else None,
            )
            for row in rows
        ]
        # A correction belongs to the day that its form was first answered on.
        days = {each.form_key: _day(each.pieces) for each in reversed(notes) if each.pieces}
        day = days[item.form_key]
        return tuple(each for each in notes if item.encounter or days.get(each.form_key) == day)

    def purge(self, now: datetime) -> int:
        """Delete the answers, pieces and patient's facts whose retention date has passed; returns how many there were.

        Only of what was delivered, or is never written (P10): what still waits to be written stays, and what it
        corrects. Drafts that nobody goes on with are forgotten too, and in time answered reasons and agreements; a year
        after it came, what became of a card. Receipt, digests and audit trail stay in any case.
        """
        done = submissions.c.state.in_((State.DELIVERED, State.REPLACED)) | submissions.c.reason.in_(STAYS_HERE)
        due = (submissions.c.rung != Rung.OBSERVATIONS) & (submissions.c.kept_until <= now) & ~_is_being_corrected()
        never = submissions.c.reason.in_((SUPERSEDED, SCORED_ELSEWHERE)) & (
            submissions.c.accepted_at <= now - CONFIRMED
        )
        with transaction(self._engine) as connection:
            last = func.coalesce(drafts.c.expires_at, drafts.c.updated_at)
            connection.execute(delete(drafts).where(last <= now - _DRAFTS))
            for table in (reasons, agreements):
                connection.execute(delete(table).where(table.c.kept_until <= now))
            connection.execute(delete(card_feedback).where(card_feedback.c.received_at <= now - _FEEDBACK))
            return _forget(connection, (due & done) | never, now=now)

    def take_confirmed(self, now: datetime) -> Item | None:
        """Return the newest version of the next form that was delivered whole so long ago that it may be deleted here.

        It is not returned again, to anybody, before a day has passed. None when there is none.
        """
        delivered = (submissions.c.state == State.DELIVERED) & (submissions.c.delivered_at <= now - CONFIRMED)
        whole = submissions.c.rung.in_((Rung.OBSERVATIONS, Rung.DOCUMENT))
        kept = whole & (submissions.c.shown != DELETED)
        waited = (submissions.c.next_attempt_at <= now) & is_newest()
        due = select(submissions.c.key).where(delivered, kept, waited)
        first = due.order_by(submissions.c.next_attempt_at).limit(1).with_for_update(skip_locked=True)
        change = (
            update(submissions)
            .where(submissions.c.key == first.scalar_subquery())
            .values(next_attempt_at=now + _AGAIN)
            .returning(submissions)
        )
        with transaction(self._engine) as connection:
            row = connection.execute(change).one_or_none()
        return None if row is None else item_of(row, "")

    def forget(self, item: Item, now: datetime) -> int:
        """Delete every version of what was taken for this; returns how many there still were."""
        with transaction(self._engine) as connection:
            return _forget(connection, form_key() == item.form_key, now=now)

    def _kept(self, some: Fixed, ehr: str, patient: str) -> list[Row[Any]]:
        rows = some.read(self._engine, {"of_ehr": ehr, "of_patient": patient, "now": self._clock()})
        return [row for row in rows if row.payload != DELETED]

    def _resources(self, row: Row[Any]) -> tuple[dict[str, Any], ...]:
        return kept_version(self._open(row, "payload"), key=row.corrects or row.key, version=row.version)

    def _open(self, row: Row[Any], column: str) -> Any:
        return orjson.loads(self._vault.open(getattr(row, column), place=place(row.ehr, row.key, column)))


def _is_being_corrected() -> ColumnElement[bool]:
    """Return what holds for a version that a later one, still on its way, is compared with."""
    waits = _later.c.state.not_in((State.DELIVERED, State.REPLACED))
    written = func.coalesce(_later.c.reason, "").not_in(STAYS_HERE)
    return exists().where(_later.c.corrects == form_key(), _later.c.version > submissions.c.version, waits, written)


def _forget(connection: Connection, chosen: ColumnElement[bool], *, now: datetime) -> int:
    """Delete answers, pieces and patient's facts of submissions, and audit it; returns how many there were."""
    change = (
        update(submissions)
        .where(chosen, submissions.c.shown != DELETED)
        .values(payload=DELETED, shown=DELETED, pieces=None)
        .returning(submissions.c.key, submissions.c.ehr, submissions.c.patient, submissions.c.launch)
    )
    rows = connection.execute(change).all()
    for row in rows:
        record(
            connection,
            at=now,
            event=Event.SUBMISSION_PURGED,
            actor="courier",
            ehr=row.ehr,
            patient=row.patient,
            launch=row.launch,
            outcome="done",
            request_id=row.key,
        )
    return len(rows)


def _visit(row: Row[Any]) -> Visit:
    return Visit(
        encounter=row.encounter, number=None, start=row.accepted_at, therapist=row.therapist, therapist_name=""
    )


def _ratings(series: Series, visit: str | None) -> list[Rating]:
    """Return the ratings before a visit, counted from 1."""
    values = [point.value for point in series.points if point.value is not None and point.encounter != visit]
    return [Rating(visit=number, day="", value=value) for number, value in enumerate(values, 1)]


def _day(pieces: Mapping[str, Any]) -> str:
    return str(pieces["part"]["answered"])[: len("2026-11-12")]
