"""Changing or taking back what was accepted: a submission of its own, which comes after the one it corrects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, bindparam, insert, select

from fhir_alliance.alerts.opening import withdraw_alerts
from fhir_alliance.audit import Event
from fhir_alliance.delivery.ladder import Way
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.receipts import (
    DELETED,
    OTHER_WAY,
    RECEIPTS,
    Kind,
    Receipt,
    State,
    UnknownReceipt,
    form_key,
    is_newest,
    is_sent_here,
    place,
    receipt_of,
    versions_of,
)
from fhir_alliance.delivery.versions import let_go, nothing_left
from fhir_alliance.errors import CorrectionRefused, CorrectionTooLate, SubmissionConflict
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung
from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions
from fhir_alliance.vault import Vault

NEVER_SENT: Final = "never-sent"
"""Why something is taken back although nothing was written: nothing had been sent."""
_WHOLE: Final = Way()
# What a withdrawal has in common with the version that it takes back.
_SAME: Final = (
    "ehr",
    "patient",
    "encounter",
    "form",
    "rater",
    "declined",
    "instrument_digest",
    "language",
    "audience_digest",
    "therapist",
    "rung",
    "kept_until",
    "fhir_base",
)
_NEWEST: Final = RECEIPTS.where(
    submissions.c.ehr == bindparam("of_ehr"),
    submissions.c.patient == bindparam("of_patient"),
    form_key() == bindparam("of_form"),
    is_newest(),
    is_sent_here(),
)


class Cause(StrEnum):
    """Why something is corrected."""

    CHANGED_MIND = "changed-mind"
    MISTAKE = "mistake"
    WRONG_PERSON = "wrong-person"


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What is corrected, and who asks: `form_key` is the form's first key, `seen` the version they looked at."""

    form_key: str
    seen: int
    cause: Cause
    asked_by: str


class Corrections:
    """Accepts corrections; what was never sent ends here, whatever was sent is corrected in the chart."""

    def __init__(self, outbox: Outbox, engine: Engine, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._engine = engine
        self._vault = vault
        self._clock = clock

    def newest(self, form: str, *, ehr: str, patient: str) -> Receipt:
        """Return the newest version of a patient's form by its first key; UnknownReceipt when there is none."""
        about = {"of_ehr": ehr, "of_patient": patient, "of_form": form}
        with self._engine.connect() as connection:
            row = connection.execute(_NEWEST, about).one_or_none()
        if row is None:
            raise UnknownReceipt
        return receipt_of(row)

    def amend(
        self, submission: Submission, bundle: bytes, correction: Correction, *, grant: str, way: Way = _WHOLE
    ) -> Receipt:
        """Store other answers in one transaction; a repeat gets the first receipt again.

        The submission has a key of its own; in the bundle, and in rows of a flowsheet, stands the form's first one.
        Raises CorrectionRefused when somebody has corrected the version that was seen, CorrectionTooLate when that is
        not kept any more, SubmissionConflict when the key came with other answers, UnknownReceipt when there is no such
        form, StoreError when nothing was saved.
        """
        key, ehr, patient = submission.key, submission.ehr, submission.patient.id
        with transaction(self._engine) as connection:
            if not self._is_known(connection, key, ehr, self._outbox.digests(submission.digest)):
                last = _corrected(connection, correction, ehr, patient)
                more = _facts(correction, Kind.AMENDMENT)
                if not self._let_go(connection, last, correction):
                    # Whatever the new answers come to, what the chart has of the old ones has to change.
                    same = Rung(last.rung) is way.rung
                    more |= {"state": State.ACCEPTED if same else State.HELD, "reason": None if same else OTHER_WAY}
                event = Event.SUBMISSION_AMENDED
                self._outbox.add(connection, submission, bundle, grant=grant, way=way, event=event, more=more)
            row = connection.execute(RECEIPTS.where(submissions.c.key == key)).one()
        self._outbox.accepted.set()
        return receipt_of(row)

    def withdraw(self, key: str, correction: Correction, *, ehr: str, patient: str, launch: str, grant: str) -> Receipt:
        """Take a form back in one transaction; a repeat gets the first receipt again. Raises as `amend` does.

        Where nothing of it has been sent it is done at once.
        """
        digests = self._outbox.digests(f"{correction.form_key} {correction.seen} {correction.cause}")
        with transaction(self._engine) as connection:
            if not self._is_known(connection, key, ehr, digests):
                last = _corrected(connection, correction, ehr, patient)
                self._let_go(connection, last, correction)
                own = {"key": key, "launch": launch, "grant_id": grant, "answers_digest": digests[-1]}
                done = nothing_left(connection, correction.form_key)
                values = {**self._taken_back(last, key, done=done), **own, **_facts(correction, Kind.WITHDRAWAL)}
                connection.execute(insert(submissions).values(**values))
                event, actor = Event.SUBMISSION_WITHDRAWN, correction.asked_by
                self._outbox.note(connection, event, ehr, patient, launch, key, actor=actor, outcome=correction.cause)
                other = correction.cause is Cause.WRONG_PERSON
                versions, now = versions_of(connection, key), self._clock()
                withdraw_alerts(connection, versions, wrong_person=other, actor=actor, at=now)
            row = connection.execute(RECEIPTS.where(submissions.c.key == key)).one()
        self._outbox.accepted.set()
        return receipt_of(row)

    def _let_go(self, connection: Connection, last: Row[Any], correction: Correction) -> bool:
        """End a version that was never sent, with its row in the audit trail; returns whether that was so."""
        if not let_go(connection, last.key):
            return False
        event, actor = Event.SUBMISSION_REPLACED, correction.asked_by
        self._outbox.note(connection, event, last.ehr, last.patient, last.launch, last.key, actor=actor)
        return True

    def _is_known(self, connection: Connection, key: str, ehr: str, digests: Sequence[str]) -> bool:
        known = select(submissions.c.ehr, submissions.c.answers_digest).where(submissions.c.key == key)
        row = connection.execute(known).one_or_none()
        if row is not None and (row.ehr != ehr or row.answers_digest not in digests):
            raise SubmissionConflict("the key was used for something else")
        return row is not None

    def _taken_back(self, last: Row[Any], key: str, *, done: bool) -> dict[str, Any]:
        """Return the values of a withdrawal's row; it holds no answers, and who was shown under its own key."""
        now = self._clock()
        shown = self._vault.open(last.shown, place=place(last.ehr, last.key, "shown"))
        return {
            **{name: getattr(last, name) for name in _SAME},
            "payload": DELETED,
            "shown": self._vault.seal(shown, place=place(last.ehr, key, "shown")),
            "state": State.DELIVERED if done else State.ACCEPTED,
            "reason": NEVER_SENT if done else None,
            "delivered_at": now if done else None,
            "attempts": 0,
            "next_attempt_at": now,
            "accepted_at": now,
        }


def _corrected(connection: Connection, correction: Correction, ehr: str, patient: str) -> Row[Any]:
    """Return the newest version, which must be the one that was seen, of a form of this patient at this EHR."""
    mine = (submissions.c.ehr == ehr) & (submissions.c.patient == patient)
    found = select(submissions).where(mine, form_key() == correction.form_key, is_newest())
    row = connection.execute(found).one_or_none()
    if row is None:
        raise UnknownReceipt
    if row.version != correction.seen or row.kind == Kind.WITHDRAWAL:
        raise CorrectionRefused("another version came first")
    if row.shown == DELETED:
        raise CorrectionTooLate("what was sent is not kept any more")
    return row


def _facts(correction: Correction, kind: Kind) -> dict[str, Any]:
    return {
        "corrects": correction.form_key,
        "version": correction.seen + 1,
        "kind": kind,
        "cause": correction.cause,
        "asked_by": correction.asked_by,
    }
