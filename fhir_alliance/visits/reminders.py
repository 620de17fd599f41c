"""Reminders of forms that wait, each once: written down before it is sent, so that a crash means none and never two."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, bindparam, exists, insert, literal, select, update

from fhir_alliance.audit import Event, latest, record
from fhir_alliance.fixed import Fixed
from fhir_alliance.instruments.words import Rater
from fhir_alliance.store import transaction
from fhir_alliance.tables import assignments, reminders, submissions

SENT: Final = "sent"
WITH_ANOTHER: Final = "with-another"
"""There was another reminder for the same person at the same time, and one message is enough."""

ROOM_ONLY: Final = "room-only"
"""Nothing was sent: a patient of this age answers in the room only."""

_UNSENT: Final = (WITH_ANOTHER, ROOM_ONLY)
_TAKEN_BACK: Final = "withdrawal"  # as the outbox calls it in `kind`
_OF_VISIT: Final = Fixed(
    select(reminders.c.begun_at, reminders.c.outcome)
    .join(assignments)
    .where(
        assignments.c.ehr == bindparam("of_ehr"),
        assignments.c.patient == bindparam("of_patient"),
        assignments.c.encounter == bindparam("of_visit"),
    )
    .order_by(reminders.c.begun_at)
)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A patient's form that can be answered, and the `hours` after which it was reminded of already."""

    assignment: int
    patient: str
    encounter: str
    form_url: str
    opens: datetime
    closes: datetime
    schedule: str
    hours: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Reminded:
    """A reminder, when it was begun; `sent` is None when nobody knows: the app ended, or its database was restored."""

    at: datetime
    sent: bool | None


class Reminders:
    """Keeps which reminders were begun, and what came of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self, ehr: str, schedules: Collection[str], *, now: datetime) -> tuple[Waiting, ...]:
        """Return the forms of patients that are open by these schedules, in the order assigned.

        What was declined or cancelled is not among them, nor a visit about which something was taken back: whoever did
        that knows where the form is.
        """
        taken_back = exists().where(
            submissions.c.ehr == assignments.c.ehr,
            submissions.c.patient == assignments.c.patient,
            submissions.c.encounter == assignments.c.encounter,
            submissions.c.kind == _TAKEN_BACK,
        )
        open_ones = (assignments.c.closes_at > now) & (assignments.c.opens_at <= now)
        asked = assignments.c.cancelled_at.is_(None) & assignments.c.declined_at.is_(None)
        mine = (assignments.c.ehr == ehr) & (assignments.c.rater == Rater.PATIENT.value)
        which = mine & open_ones & asked & assignments.c.schedule.in_(schedules) & ~taken_back
        begun: dict[int, set[int]] = defaultdict(set)
        with self._engine.connect() as connection:
            rows = connection.execute(select(assignments).where(which).order_by(assignments.c.id)).all()
            there = select(reminders.c.assignment, reminders.c.hours)
            for row in connection.execute(there.join(assignments).where(which)):
                begun[row.assignment].add(row.hours)
        return tuple(
            Waiting(
                assignment=row.id,
                patient=row.patient,
                encounter=row.encounter,
                form_url=row.form_url,
                opens=row.opens_at,
                closes=row.closes_at,
                schedule=row.schedule,
                hours=frozenset(begun[row.id]),
            )
            for row in rows
        )

    def restored_at(self, *, since: datetime) -> datetime | None:
        """Return when the database was last restored from a backup, None when it was not since then."""
        with self._engine.connect() as connection:
            return latest(connection, Event.STORE_RESTORED, since=since)

    def begin(
        self,
        first: tuple[int, int],
        others: Sequence[tuple[int, int]],
        *,
        link: str | None,
        mark: str | None,
        at: datetime,
    ) -> bool:
        """Write down that a reminder, an assignment and its hours, is about to be sent; `others` go with it.

        `mark` recognises the address in it, which leads to `link`. Returns False when another process has begun it:
        then nothing may be sent.
        """
        with transaction(self._engine) as connection:
            if not _add(connection, first, link=link, link_hash=mark, begun_at=at):
                return False
            for each in others:
                _add(connection, each, begun_at=at, outcome=WITH_ANOTHER)
        return True

    def end(self, first: tuple[int, int], *, ehr: str, patient: str, outcome: str, at: datetime) -> None:
        """Write down what came of a reminder, here and in the audit trail; it is not tried again in any case."""
        mine = (reminders.c.assignment == first[0]) & (reminders.c.hours == first[1])
        with transaction(self._engine) as connection:
            connection.execute(update(reminders).where(mine).values(outcome=outcome))
            record(
                connection,
                at=at,
                event=Event.REMINDER_SENT,
                actor="chaser",
                ehr=ehr,
                patient=patient,
                launch=None,
                outcome="done" if outcome == SENT else outcome,
                request_id=None,
            )

    def of_visit(self, ehr: str, patient: str, encounter: str) -> tuple[Reminded, ...]:
        """Return the reminders about one visit, the first one first."""
        about = {"of_ehr": ehr, "of_patient": patient, "of_visit": encounter}
        return tuple(
            Reminded(at=row.begun_at, sent=None if row.outcome is None else row.outcome == SENT)
            for row in _OF_VISIT.read(self._engine, about)
            if row.outcome not in _UNSENT
        )


def _add(connection: Connection, which: tuple[int, int], **values: object) -> bool:
    """Add a row; returns False when it is there."""
    row = {"assignment": which[0], "hours": which[1], **values}
    there = exists().where(reminders.c.assignment == which[0], reminders.c.hours == which[1])
    chosen = select(*(literal(value, reminders.c[name].type).label(name) for name, value in row.items())).where(~there)
    adding = insert(reminders).from_select(list(row), chosen).returning(reminders.c.hours)
    return bool(connection.execute(adding).all())
