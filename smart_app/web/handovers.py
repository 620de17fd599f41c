"""The tablet goes to the patient: a code that works once, for one form, outside the EHR's frame."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.errors import HandoverError
from fhir_alliance.store import transaction
from fhir_alliance.tables import handovers, sessions
from smart_app.web.cookies import SESSION, fingerprint, new_secret, read_secret
from smart_app.web.launches import Context, Launch, Role, end_launch, open_launch, read_launch
from smart_app.web.services import services
from smart_app.web.sessions import end_session

LIFE: Final = timedelta(minutes=15)
# No 0, O, 1, I, L: nobody should have to guess what a screen shows.
_ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
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
    short = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
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
    """Return (session secret, launch handle) of the patient's own session; HandoverError when the code is no good."""
    return _use(handovers.c.code_hash == fingerprint(link))


def use_short(typed: str) -> tuple[str, str]:
    """Do the same for a typed code: case, spaces and hyphens do not matter."""
    plain = "".join(letter for letter in typed.upper() if letter.isalnum())
    return _use(handovers.c.short_hash == fingerprint(plain))


def _use(found: object) -> tuple[str, str]:
    now = services().clock()
    with transaction(services().engine) as connection:
        live = handovers.c.used_at.is_(None) & (handovers.c.expires_at > now)
        use = update(handovers).where(found, live).values(used_at=now)  # type: ignore[arg-type]
        row = connection.execute(use.returning(handovers.c.from_launch, handovers.c.form)).one_or_none()
        launch = read_launch(connection, row.from_launch) if row else None
        if row is None or launch is None:
            raise HandoverError("unknown, used or expired")
        # Whoever holds the code now must not reach the chart: the view it came from ends, here and on this device.
        end_launch(connection, launch.handle, at=now)
        if old := read_secret(SESSION):
            end_session(connection, old, at=now)
        _audit(connection, Event.HANDOVER_USED, launch, now)
        return _begin(connection, launch, row.form, now)


def _begin(connection: Connection, launch: Launch, form: str, now: datetime, *, recorder: str = "") -> tuple[str, str]:
    secret = new_secret()
    connection.execute(insert(sessions).values(id_hash=fingerprint(secret), created_at=now, seen_at=now))
    handle = open_launch(
        connection,
        session=fingerprint(secret),
        ehr=launch.ehr.name,
        role=Role.HANDOVER,
        user=launch.patient.reference,
        user_key=f"handover:{launch.handle}",
        grant=launch.grant,
        context=Context(
            patient=launch.patient,
            visit=launch.context.visit,
            form=form,
            recorder=recorder,
            look=launch.context.look,
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
        if old := read_secret(SESSION):
            end_session(connection, old, at=now)
        _audit(connection, Event.HANDOVER_USED, launch, now)
        return _begin(connection, launch, launch.context.form, now, recorder=recorder)


def is_live(link: str) -> bool:
    """Whether a link would work; looking uses nothing up, because mail and chat programs look too."""
    with services().engine.connect() as connection:
        live = handovers.c.used_at.is_(None) & (handovers.c.expires_at > services().clock())
        found = select(handovers.c.from_launch).where(handovers.c.code_hash == fingerprint(link), live)
        handle = connection.scalar(found)
        return handle is not None and read_launch(connection, handle) is not None


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
