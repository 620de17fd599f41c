"""Links by which patients answer without a sign-in: each for one form, sent once, known here by its mark only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, bindparam, exists, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.fixed import Fixed
from fhir_alliance.store import transaction
from fhir_alliance.tables import launches, reminders, submissions
from fhir_alliance.tables import patient_links as links


class Standing(StrEnum):
    """Where a link is; only what is WAITING or BEGUN can be opened."""

    WAITING = "waiting"
    BEGUN = "begun"
    SENT = "sent"
    LOCKED = "locked"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class PatientLink:
    """One link; `launch` is where its form is filled in, `tries_left` how often a wrong birth date may still come."""

    id: str
    launch: str
    ehr: str
    patient: str
    form: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    tries_left: int
    standing: Standing

    @property
    def live(self) -> bool:
        """Whether it can be opened."""
        return self.standing in (Standing.WAITING, Standing.BEGUN)


class Links:
    """Keeps links; whoever has one is known by its `mark`, which recognises a link and cannot be turned into it."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def make(
        self,
        connection: Connection,
        *,
        mark: str,
        launch: str,
        ehr: str,
        patient: str,
        form: str,
        by: str,
        lasts: timedelta,
        tries: int,
    ) -> datetime:
        """Keep a new link in the caller's transaction; returns until when it works."""
        now = self._clock()
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "link_hash": mark,
            "launch": launch,
            "ehr": ehr,
            "patient": patient,
            "form": form,
        }
        row |= {"made_by": by, "made_at": now, "expires_at": now + lasts, "tries_left": tries}
        connection.execute(insert(links).values(row))
        self._note(connection, Event.LINK_MADE, row, actor=by)
        return now + lasts

    def find(self, mark: str) -> PatientLink | None:
        """Return a link that can be opened, None for every other; looking changes nothing (T51)."""
        with self._engine.connect() as connection:
            return self._live(connection, _known_by(mark))

    def of_launch(self, launch: str) -> PatientLink | None:
        """Return the link of a launch while it can be opened."""
        with self._engine.connect() as connection:
            return self._live(connection, links.c.launch == launch)

    def of_form(self, ehr: str, patient: str, encounter: str, form_url: str) -> PatientLink | None:
        """Return the link that was made last for a form, of whatever version, about a visit."""
        about = (links.c.ehr == ehr) & (links.c.patient == patient) & (launches.c.encounter == encounter)
        mine = about & links.c.form.startswith(f"{form_url}|", autoescape=True)
        made = _FOUND.join(launches, launches.c.handle == links.c.launch).where(mine)
        with self._engine.connect() as connection:
            row = connection.execute(made.order_by(links.c.made_at.desc()).limit(1)).one_or_none()
        return self._link(row) if row else None

    def of_patient(self, ehr: str, patient: str, *, since: datetime) -> tuple[PatientLink, ...]:
        """Return a patient's links that were made since then, newest first."""
        about = {"of_ehr": ehr, "of_patient": patient, "since": since}
        return tuple(map(self._link, _OF_PATIENT.read(self._engine, about)))

    def take_try(self, connection: Connection, mark: str) -> PatientLink | None:
        """Take one try to open a link, before what was typed is looked at; None when there is no try to be had.

        So many tries at the same moment are no more than one after another.
        """
        can = links.c.revoked_at.is_(None) & (links.c.expires_at > self._clock()) & (links.c.tries_left > 0)
        taking = update(links).where(_known_by(mark), can, ~_is_sent)
        if connection.execute(taking.values(tries_left=links.c.tries_left - 1)).rowcount == 0:
            return None
        return self._link(connection.execute(_FOUND.where(_known_by(mark))).one())

    def open(self, connection: Connection, link: PatientLink) -> None:
        """Note that the right birth date came, and give the try back."""
        values = {"tries_left": links.c.tries_left + 1, "opened_at": self._clock()}
        connection.execute(update(links).where(links.c.id == link.id).values(values))
        self._note(connection, Event.LINK_OPENED, vars(link), actor=f"Patient/{link.patient}")

    def mismatch(self, connection: Connection, link: PatientLink) -> None:
        """Note that a wrong birth date came; the last try closes the link."""
        self._note(connection, Event.LINK_MISMATCHED, vars(link), actor="browser")
        if link.tries_left <= 0:
            self._note(connection, Event.LINK_LOCKED, vars(link), actor="browser")

    def revoke(self, link: str, *, ehr: str, patient: str, by: str) -> str | None:
        """Let a patient's link, by its id, work no more; returns its launch, None when it could not be opened anyway.

        What was sent with it stays sent.
        """
        mine = (links.c.id == link) & (links.c.ehr == ehr) & (links.c.patient == patient)
        with transaction(self._engine) as connection:
            found = self._live(connection, mine)
            if found is None:
                return None
            connection.execute(update(links).where(links.c.id == found.id).values(revoked_at=self._clock()))
            self._note(connection, Event.LINK_REVOKED, vars(found), actor=by)
        return found.launch

    def note(self, event: Event, link: PatientLink, *, actor: str, outcome: str = "done") -> None:
        """Add a row about a link to the audit trail."""
        with transaction(self._engine) as connection:
            self._note(connection, event, vars(link), actor=actor, outcome=outcome)

    def _live(self, connection: Connection, which: ColumnElement[bool]) -> PatientLink | None:
        row = connection.execute(_FOUND.where(which)).one_or_none()
        found = self._link(row) if row else None
        return found if found and found.live else None

    def _link(self, row: Row[Any]) -> PatientLink:
        names = ("id", "launch", "ehr", "patient", "form", "made_by", "made_at", "expires_at", "tries_left")
        return PatientLink(**{name: getattr(row, name) for name in names}, standing=self._standing(row))

    def _standing(self, row: Row[Any]) -> Standing:
        if row.sent:
            return Standing.SENT
        if row.revoked_at:
            return Standing.REVOKED
        if row.tries_left <= 0:
            return Standing.LOCKED
        if row.expires_at <= self._clock():
            return Standing.EXPIRED
        return Standing.BEGUN if row.opened_at else Standing.WAITING

    def _note(
        self, connection: Connection, event: Event, about: dict[str, Any], *, actor: str, outcome: str = "done"
    ) -> None:
        record(
            connection,
            at=self._clock(),
            event=event,
            actor=actor,
            ehr=about["ehr"],
            patient=about["patient"],
            launch=about["launch"],
            outcome=outcome,
            request_id=about["id"],
        )


def prolong(connection: Connection, visit: Mapping[str, str], by: timedelta) -> None:
    """Let the links to a visit's forms work longer: the visit, by its references, is that much later.

    For a visit that is earlier nothing has to be done: the form itself closes.
    """
    places = [launches.c[name] == visit[name] for name in ("ehr", "patient", "encounter")]
    found = select(links.c.id, links.c.expires_at).join(launches, launches.c.handle == links.c.launch)
    for row in connection.execute(found.where(*places, links.c.revoked_at.is_(None))).all():
        connection.execute(update(links).where(links.c.id == row.id).values(expires_at=row.expires_at + by))


_is_sent = exists().where(submissions.c.launch == links.c.launch)
_FOUND = select(links, _is_sent.label("sent"))
_OF_PATIENT: Final = Fixed(
    _FOUND.where(
        links.c.ehr == bindparam("of_ehr"),
        links.c.patient == bindparam("of_patient"),
        links.c.made_at >= bindparam("since"),
    ).order_by(links.c.made_at.desc())
)


def _known_by(mark: str) -> ColumnElement[bool]:
    """Return what holds for the link of an address: the one it was made with, or one that a reminder has."""
    return (links.c.link_hash == mark) | links.c.id.in_(select(reminders.c.link).where(reminders.c.link_hash == mark))
