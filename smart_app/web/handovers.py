"""The tablet goes to the patient: a code that works once, for one form, outside the EHR's frame."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.errors import HandoverError
from fhir_alliance.store import transaction
from fhir_alliance.tables import handovers, launches, submissions
from smart_app.web.codes import new_code, plain_code
from smart_app.web.cookies import fingerprint, new_secret
from smart_app.web.launches import (
    Context,
    Launch,
    Role,
    end_launch,
    is_left_alone,
    move_launch,
    note_confirmed,
    open_launch,
    read_launch,
)
from smart_app.web.services import services
from smart_app.web.sessions import begin_own_session, of_live_session, this_browser

LIFE: Final = timedelta(minutes=15)
_LENGTH: Final = 6


@dataclass(frozen=True, kw_only=True)
class HandoverCode:
    """One code in two shapes: `link` for a QR code, `short` for typing."""

    link: str = field(repr=False)
    short: str = field(repr=False)
    expires_at: datetime


def create_handover(launch: Launch, form: str) -> HandoverCode:
    """Return a new one-time code for one form (its pinned canonical); only fingerprints of it are stored."""
    now = services().clock()
    short = new_code(_LENGTH)
    code = HandoverCode(link=new_secret(), short=short, expires_at=now + LIFE)
    with transaction(services().engine) as connection:
        connection.execute(
            insert(handovers).values(
                code_hash=fingerprint(code.link),
                short_hash=fingerprint(short),
                from_launch=launch.handle,
                form=form,
                created_at=now,
                expires_at=code.expires_at,
            )
        )
        _audit(connection, Event.HANDOVER_CREATED, launch, now)
    return code


def use_link(link: str) -> tuple[str, str]:
    """Return (session secret, launch handle) of the patient's own session; HandoverError when the code is no good.

    The code works once; where the form it began was left alone, it goes on with that.
    """
    return _use(handovers.c.code_hash == fingerprint(link))


def use_short(typed: str) -> tuple[str, str]:
    """Do the same for a typed code: case, spaces and hyphens do not matter."""
    return _use(_typed(typed))


def use_on_tablet(typed: str, tablet: str) -> tuple[str, str]:
    """Do the same on a clinic's tablet, by its id."""
    return _use(_typed(typed), tablet=tablet)


def _left_here(connection: Connection, found: ColumnElement[bool], tablet: str | None) -> str | None:
    """Return the launch that a used code goes on with; None when there is none.

    That is so while nothing was sent and nobody has said "not me" or "not today", on the same tablet or in the same
    browser only.
    """
    here = handovers.c.tablet == tablet if tablet else of_live_session(launches.c.session_hash)
    begun = handovers.join(launches, launches.c.handle == handovers.c.launch)
    handle: str | None = connection.scalar(
        select(launches.c.handle).select_from(begun).where(found, here), this_browser()
    )
    return handle if handle and _is_open(connection, handle) else None


def _go_on(connection: Connection, launch: Launch, now: datetime) -> tuple[str, str]:
    """Move a form that was left to a new session; who has the device is asked again."""
    secret = begin_own_session(connection, at=now)
    move_launch(connection, launch.handle, session=fingerprint(secret), at=now)
    note_confirmed(connection, launch.handle, at=None)
    _audit(connection, Event.HANDOVER_RESUMED, launch, now)
    return secret, launch.handle


def _is_open(connection: Connection, handle: str) -> bool:
    sent = select(submissions.c.key).where(submissions.c.launch == handle).limit(1)
    return is_left_alone(connection, handle) and connection.scalar(sent) is None


def _typed(typed: str) -> ColumnElement[bool]:
    return handovers.c.short_hash == fingerprint(plain_code(typed))


def _use(found: ColumnElement[bool], *, tablet: str | None = None) -> tuple[str, str]:
    now = services().clock()
    with transaction(services().engine) as connection:
        left = _left_here(connection, found, tablet)
        if left and (begun := read_launch(connection, left)):
            return _go_on(connection, begun, now)
        live = handovers.c.used_at.is_(None) & (handovers.c.expires_at > now)
        use = update(handovers).where(found, live).values(used_at=now, tablet=tablet)
        columns = (handovers.c.code_hash, handovers.c.from_launch, handovers.c.form)
        row = connection.execute(use.returning(*columns)).one_or_none()
        launch = read_launch(connection, row.from_launch) if row else None
        if row is None or launch is None:
            raise HandoverError("unknown, used or expired")
        # Whoever holds the code now must not reach the chart: the view it came from ends, here and on this device.
        end_launch(connection, launch.handle, at=now)
        _audit(connection, Event.HANDOVER_USED, launch, now)
        secret, handle = _begin(connection, launch, row.form, now, role=Role.HANDOVER)
        used = handovers.c.code_hash == row.code_hash
        connection.execute(update(handovers).where(used).values(launch=handle))
        return secret, handle


def _begin(
    connection: Connection, launch: Launch, form: str, now: datetime, *, role: Role, recorder: str = ""
) -> tuple[str, str]:
    secret = begin_own_session(connection, at=now)
    handle = open_launch(
        connection,
        session=fingerprint(secret),
        ehr=launch.ehr.name,
        role=role,
        user=launch.patient.reference,
        user_key=f"handover:{launch.handle}",
        grant=launch.grant,
        context=Context(
            patient=launch.patient,
            visit=launch.context.visit,
            form=form,
            recorder=recorder,
            look=launch.context.look,
            place=launch.context.place,
        ),
        at=now,
    )
    return secret, handle


def hand_to_patient(launch: Launch) -> tuple[str, str]:
    """Return (session secret, launch handle) of a session for the patient alone; the proxy's own ends here.

    The patient answers, and who is signed in is kept as the recorder, where FHIR lets that be an author (Q30).
    """
    now = services().clock()
    recorder = launch.user if launch.user.startswith("RelatedPerson/") else ""
    with transaction(services().engine) as connection:
        end_launch(connection, launch.handle, at=now)
        _audit(connection, Event.HANDOVER_USED, launch, now)
        return _begin(connection, launch, launch.context.form, now, role=Role.BESIDE, recorder=recorder)


def is_live(link: str) -> bool:
    """Whether a link would work; looking uses nothing up, because mail and chat programs look too."""
    with services().engine.connect() as connection:
        this = handovers.c.code_hash == fingerprint(link)
        live = handovers.c.used_at.is_(None) & (handovers.c.expires_at > services().clock())
        handle = connection.scalar(select(handovers.c.from_launch).where(this, live))
        if handle is not None and read_launch(connection, handle) is not None:
            return True
        return _left_here(connection, this, tablet=None) is not None


def _audit(connection: Connection, event: Event, launch: Launch, at: datetime) -> None:
    record(
        connection,
        at=at,
        event=event,
        actor=launch.user,
        ehr=launch.ehr.name,
        patient=launch.patient.id,
        launch=launch.handle,
        outcome="done",
        request_id=None,
    )
