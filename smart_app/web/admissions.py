"""How an administrator signs in: with a link that whoever works on the server makes, once, for ten minutes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, insert, select, update

from fhir_alliance.audit import Event, record
from fhir_alliance.errors import NotSignedIn
from fhir_alliance.store import transaction
from fhir_alliance.tables import admissions
from smart_app.web.cookies import ADMIN, fingerprint, new_secret, read_secret
from smart_app.web.services import services

LINK_LIFE: Final = timedelta(minutes=10)
IDLE: Final = timedelta(minutes=15)
ABSOLUTE: Final = timedelta(hours=8)
_SEEN_EVERY: Final = timedelta(minutes=1)


class LinkRefused(NotSignedIn):
    """The link is unknown, used, or too old."""

    code = "admin.link"
    title = "This link does not work"
    sentence = (
        "It may have been used already, or its 10 minutes are over. "
        "Make a new one on the server, with `fhir-alliance outbox page`."
    )


class AdminNeeded(NotSignedIn):
    """Nobody has signed in as an administrator here, or not lately."""

    code = "admin.none"
    title = "Nobody is signed in here"
    sentence = "Make a link on the server, with `fhir-alliance outbox page`, and open it in this browser."


@dataclass(frozen=True, kw_only=True)
class Admin:
    """Who is signed in, by the name the link was made for."""

    name: str
    session: str = field(repr=False)


def make_link(engine: Engine, *, name: str, at: datetime) -> str:
    """Return the secret of a new link for somebody; only its fingerprint is stored, and the making is audited."""
    link = new_secret()
    with transaction(engine) as connection:
        connection.execute(insert(admissions).values(link_hash=fingerprint(link), name=name, made_at=at))
        _audit(connection, Event.ADMIN_LINKED, name, at)
    return link


def is_live(link: str) -> bool:
    """Whether a link would work; looking uses nothing up."""
    with services().engine.connect() as connection:
        return connection.scalar(select(admissions.c.name).where(_live(link))) is not None


def use_link(link: str) -> str:
    """Return the secret of a new session, once; LinkRefused when the link is no good."""
    now, secret = services().clock(), new_secret()
    begun = {"session_hash": fingerprint(secret), "begun_at": now, "seen_at": now}
    with transaction(services().engine) as connection:
        use = update(admissions).where(_live(link)).values(**begun).returning(admissions.c.name)
        name = connection.scalar(use)
        if name is None:
            raise LinkRefused("unknown, used or expired")
        _audit(connection, Event.ADMIN_ADMITTED, name, now)
    return secret


def find_admin() -> Admin:
    """Return who is signed in in this browser; AdminNeeded when nobody is, or it was left alone."""
    now, session = services().clock(), fingerprint(read_secret(ADMIN) or "")
    alive = admissions.c.ended_at.is_(None) & (admissions.c.begun_at >= now - ABSOLUTE)
    mine = (admissions.c.session_hash == session) & alive & (admissions.c.seen_at >= now - IDLE)
    with services().engine.connect() as connection:
        row = connection.execute(select(admissions).where(mine)).one_or_none()
    if row is None:
        raise AdminNeeded("no live session")
    if now - row.seen_at > _SEEN_EVERY:
        with transaction(services().engine) as connection:
            connection.execute(update(admissions).where(mine).values(seen_at=now))
    return Admin(name=row.name, session=session)


def end(admin: Admin) -> None:
    """End a session."""
    with transaction(services().engine) as connection:
        mine = admissions.c.session_hash == admin.session
        connection.execute(update(admissions).where(mine).values(ended_at=services().clock()))


def _live(link: str) -> ColumnElement[bool]:
    mine = (admissions.c.link_hash == fingerprint(link)) & admissions.c.session_hash.is_(None)
    return mine & (admissions.c.made_at > services().clock() - LINK_LIFE)


def _audit(connection: Connection, event: Event, name: str, at: datetime) -> None:
    record(
        connection,
        at=at,
        event=event,
        actor=name,
        ehr="",
        patient=None,
        launch=None,
        outcome="done",
        request_id=None,
    )
