"""One form that is asked of one rater about one visit, and where it stands at a moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from fhir_alliance.instruments.words import Rater
from fhir_alliance.visits.due import Why


class Standing(StrEnum):
    """Where an assignment is; DUE can still be answered, and until it closes what was DECLINED with "not today"."""

    DUE = "due"
    COMPLETED = "completed"
    DECLINED = "declined"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One form asked of one rater about one visit; `form` is its canonical, pinned to the version first assigned.

    `submission` is the key of what answered it, None while nothing did; `begun` says that somebody is answering it.
    One that is `planned` moves with the visit; what a person hands over does not. It follows a `schedule` by its name;
    `clinic` and `therapist` are references of its visit's, "" where the EHR names none or nobody has looked at the
    visit yet; `cancelled_why` says what ended it. The `number` of its visit is 0 where it is not known.
    """

    id: int
    patient: str
    encounter: str
    form: str
    rater: Rater
    number: int
    opens: datetime
    closes: datetime
    standing: Standing
    submission: str | None
    assigned: datetime
    begun: bool
    planned: bool
    schedule: str
    clinic: str
    therapist: str
    cancelled_why: str

    def is_open(self, now: datetime) -> bool:
        """Whether nothing was sent yet, nor is it too late or needless; "not today" is said about that day only."""
        asked = self.standing in (Standing.DUE, Standing.DECLINED) and self.submission is None
        return asked and now < self.closes


def assignment_of(row: Row[Any], answer: Any, now: datetime, *, begun: bool) -> Assignment:
    """Return what a row of the table says at a moment; `answer` is the submission that answers it, None for none."""
    return Assignment(
        id=row.id,
        patient=row.patient,
        encounter=row.encounter,
        form=row.form,
        rater=Rater(row.rater),
        number=row.number,
        opens=row.opens_at,
        closes=row.closes_at,
        standing=_standing(row, answer, now),
        submission=answer.key if answer else None,
        assigned=row.assigned_at,
        begun=begun,
        planned=row.why != Why.HAND.value,
        schedule=row.schedule,
        clinic=row.clinic,
        therapist=row.therapist,
        cancelled_why=row.cancelled_why or "",
    )


def _standing(row: Row[Any], answer: Any, now: datetime) -> Standing:
    if answer:
        return Standing.DECLINED if answer.declined else Standing.COMPLETED
    if row.cancelled_at:
        return Standing.CANCELLED
    if row.declined_at:
        return Standing.DECLINED
    return Standing.OVERDUE if row.closes_at <= now else Standing.DUE
