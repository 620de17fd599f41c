"""What was accepted and is on its way to the chart: durable before anybody is thanked."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event as Signal
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, Row, and_, bindparam, delete, exists, or_, select, update

from fhir_alliance.alerts.opening import follow_answers
from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.expected import subjects_of
from fhir_alliance.delivery.ladder import Way
from fhir_alliance.delivery.receipts import (
    DELETED,
    IN_REVIEW,
    NEEDS_SIGN_IN,
    RECEIPTS,
    STAYS_HERE,
    STORE,
    Kind,
    Receipt,
    Source,
    State,
    UnknownReceipt,
    is_form,
    is_sent_here,
    place,
    receipt_of,
    versions_of,
)
from fhir_alliance.errors import InvalidResource, SubmissionConflict
from fhir_alliance.fixed import Fixed
from fhir_alliance.records.submission import Submission
from fhir_alliance.store import transaction
from fhir_alliance.tables import drafts, grants, submissions
from fhir_alliance.vault import Vault

_WHOLE = Way()
# Made once: making a statement costs more than executing it.
_MINE: Final = (submissions.c.ehr == bindparam("of_ehr")) & (submissions.c.patient == bindparam("of_patient"))
_KEYED: Final = RECEIPTS.where(submissions.c.key == bindparam("of_key"))
_BY_KEY: Final = Fixed(_KEYED)
_OWN_BY_KEY: Final = _KEYED.where(_MINE)
_PAYLOAD: Final = select(submissions.c.payload).where(_MINE, submissions.c.key == bindparam("of_key"))
_SENT: Final = Fixed(
    RECEIPTS.where(_MINE, is_form(), is_sent_here(), submissions.c.accepted_at >= bindparam("since")).order_by(
        submissions.c.sequence.desc()
    )
)
_WAITS: Final = or_(*(submissions.c.state == each for each in (State.HELD, State.REJECTED)))
_HELD: Final = Fixed(
    RECEIPTS.where(
        _MINE,
        is_form(),
        and_(_WAITS, *(submissions.c.reason != each for each in STAYS_HERE)) | (submissions.c.reason == IN_REVIEW),
    ).order_by(submissions.c.sequence)
)
_TAKEN_BACK: Final = Fixed(select(submissions.c.corrects).where(_MINE, submissions.c.kind == Kind.WITHDRAWAL))
_FORGET: Final = Fixed(delete(drafts).where(drafts.c.key == bindparam("of_key")))


class Outbox:
    """Accepts submissions and says where they are; `accepted` is set whenever the courier has something to do."""

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime]) -> None:
        self.accepted = Signal()
        self._engine = engine
        self._vault = vault
        self._clock = clock

    def accept(
        self, submission: Submission, bundle: bytes, *, grant: str, way: Way = _WHOLE, source: Source | None = None
    ) -> Receipt:
        """Store a submission and its write-back bundle, and forget its draft, in one transaction.

        A repeat gets the first receipt again.

        By a `way` that does not lead into the chart it is held at once, for the way's reason. With a `source` the
        response is there already, written by somebody else, and the bundle holds its scores alone.

        An answer that calls for an alert opens it in the same transaction. `grant` is the id of the EHR's permission to
        deliver with. Raises SubmissionConflict when the key came with other answers before, InvalidResource when the
        bundle is not about the patient shown, StoreError when nothing was saved.
        """
        if subjects_of(bundle) != {submission.patient.reference}:
            raise InvalidResource(["the bundle is about another patient than the one shown"])
        with transaction(self._engine) as connection:
            row = _BY_KEY.execute(connection, {"of_key": submission.key}).one_or_none()
            if row is None:
                origin = {"response_id": source.response, "harvested_version": source.version} if source else None
                row = self.add(connection, submission, bundle, grant=grant, way=way, more=origin)
            elif row.ehr != submission.ehr or row.answers_digest not in self.digests(submission.digest):
                raise SubmissionConflict("the key was used for other answers")
        self.accepted.set()
        return receipt_of(row)

    def receipt(self, key: str, *, ehr: str, patient: str) -> Receipt:
        """Return where a patient's submission is; UnknownReceipt when there is none, or it is another patient's."""
        with self._engine.connect() as connection:
            row = connection.execute(_OWN_BY_KEY, {"of_key": key, **_about(ehr, patient)}).one_or_none()
        if row is None:
            raise UnknownReceipt
        return receipt_of(row)

    def response(self, key: str, *, ehr: str, patient: str) -> dict[str, Any] | None:
        """Return the QuestionnaireResponse of a patient's submission as it was accepted, None when it is deleted.

        Raises UnknownReceipt as above.
        """
        bundle = self.bundle(key, ehr=ehr, patient=patient)
        return bundle and dict(bundle["entry"][0]["resource"])

    def bundle(self, key: str, *, ehr: str, patient: str) -> dict[str, Any] | None:
        """Return all that a patient's submission writes, None when it is deleted; raises UnknownReceipt as above."""
        with self._engine.connect() as connection:
            payload = connection.scalar(_PAYLOAD, {"of_key": key, **_about(ehr, patient)})
        if payload is None:
            raise UnknownReceipt
        if payload == DELETED:
            return None
        return dict(orjson.loads(self._vault.open(payload, place=place(ehr, key, "payload"))))

    def sent(self, *, ehr: str, patient: str, since: datetime) -> tuple[Receipt, ...]:
        """Return the forms that were accepted about a patient since then, newest first."""
        return tuple(map(receipt_of, _SENT.read(self._engine, {"since": since, **_about(ehr, patient)})))

    def taken_back(self, *, ehr: str, patient: str) -> frozenset[str]:
        """Return the first keys of a patient's forms that were taken back, whether or not the chart says so yet."""
        return frozenset(filter(None, _TAKEN_BACK.read(self._engine, _about(ehr, patient)).scalars()))

    def held_for(self, ehr: str, patient: str) -> tuple[Receipt, ...]:
        """Return the forms that wait for a person, here or at the EHR, before they are in a chart, oldest first.

        What no chart takes is not waiting.
        """
        return tuple(map(receipt_of, _HELD.read(self._engine, _about(ehr, patient))))

    def renew(self, *, ehr: str, patient: str, grant: str) -> int:
        """Let a new permission for this very patient take over what waits for a sign-in; returns how many there were.

        A grant for another EHR or patient, or one that has ended, takes over nothing.
        """
        fits = (grants.c.ehr == ehr) & (grants.c.patient == patient) & grants.c.ended_at.is_(None)
        held = (submissions.c.state == State.HELD) & (submissions.c.reason == NEEDS_SIGN_IN)
        change = (
            update(submissions)
            .where(submissions.c.ehr == ehr, submissions.c.patient == patient, held)
            .where(exists().where(grants.c.id == grant, fits))
            .values(grant_id=grant, state=State.ACCEPTED, reason=None, next_attempt_at=self._clock())
            .returning(submissions.c.key, submissions.c.launch)
        )
        with transaction(self._engine) as connection:
            renewed = connection.execute(change).all()
            for row in renewed:
                self.note(connection, Event.SUBMISSION_RENEWED, ehr, patient, row.launch, row.key, actor="outbox")
        self.accepted.set()
        return len(renewed)

    def add(
        self,
        connection: Connection,
        submission: Submission,
        bundle: bytes,
        *,
        grant: str,
        way: Way,
        event: Event = Event.SUBMISSION_ACCEPTED,
        more: Mapping[str, Any] | None = None,
    ) -> Row[tuple[object, ...]]:
        """Store a submission in the caller's transaction; returns what its receipt is made of.

        `more` are values of its row, in place of the usual ones.
        """
        now, key, ehr = self._clock(), submission.key, submission.ehr
        values = {
            "key": key,
            "ehr": ehr,
            "patient": submission.patient.id,
            "encounter": submission.encounter,
            "launch": submission.launch,
            "grant_id": grant,
            "form": submission.form.canonical,
            "rater": submission.form.rater.value,
            "declined": submission.declined,
            "instrument_digest": submission.instrument.digest,
            "answers_digest": self.digests(submission.digest)[-1],
            "language": submission.language,
            "mode": submission.mode or None,
            "device": submission.device or None,
            "audience_digest": submission.audience_digest,
            "therapist": submission.therapist,
            "payload": self._vault.seal(bundle, place=place(ehr, key, "payload")),
            "shown": self._vault.seal(orjson.dumps(submission.patient), place=place(ehr, key, "shown")),
            "state": State.HELD if way.stays else State.ACCEPTED,
            "reason": way.stays,
            "attempts": 0,
            "next_attempt_at": now,
            "accepted_at": now,
            "rung": way.rung,
            "pieces": self._vault.seal(way.pieces, place=place(ehr, key, "pieces")) if way.pieces else None,
            "kept_until": way.kept_until,
            "of_grant": grant,
        }
        row = STORE.execute(connection, {**values, **(more or {})}).one()
        _FORGET.execute(connection, {"of_key": key})
        patient, launch = submission.patient.id, submission.launch
        self.note(connection, event, ehr, patient, launch, key, actor=submission.author)
        earlier = versions_of(connection, key) if more else ()
        follow_answers(connection, self._vault, submission, earlier=earlier, at=now)
        return row

    def digests(self, plain: str) -> list[str]:
        """Return the answers' digest under each key, the current one last: a row is older than the key that seals now.

        Possible answers are few, so a digest without a key could be guessed.
        """
        return [hmac.new(key, plain.encode(), hashlib.sha256).hexdigest() for key in self._vault.derive_all("answers")]

    def note(
        self,
        connection: Connection,
        event: Event,
        ehr: str,
        patient: str,
        launch: str,
        key: str,
        *,
        actor: str,
        outcome: str = "done",
    ) -> None:
        """Add a row about a submission to the audit trail, in the caller's transaction."""
        record(
            connection,
            at=self._clock(),
            event=event,
            actor=actor,
            ehr=ehr,
            patient=patient,
            launch=launch,
            outcome=outcome,
            request_id=key,
        )


def _about(ehr: str, patient: str) -> dict[str, str]:
    return {"of_ehr": ehr, "of_patient": patient}
