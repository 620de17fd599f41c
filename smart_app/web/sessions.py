"""Browser sessions, kept on the server: the cookie holds a random key and selects nothing by itself."""

from collections.abc import Mapping
from datetime import datetime

from flask import Flask, Request
from flask.sessions import SessionInterface
from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, insert, update

from fhir_alliance.tables import launches, sessions
from smart_app.web.cookies import SESSION, fingerprint, new_secret, read_secret


class NoFlaskSession(SessionInterface):
    """Flask's own session, which would be kept in a cookie and looked for in every request: there is none."""

    def open_session(self, app: Flask, request: Request) -> None:
        """Open none."""


def begin_session(connection: Connection, *, user_key: str, at: datetime) -> str:
    """Return the secret of a new session that takes over this browser's launches of the same user.

    A new id at each sign-in defeats fixation; keeping the user's own launches lets two charts stay open side by side.
    The launches of anybody else who used this browser end here.
    """
    secret = new_secret()
    connection.execute(insert(sessions).values(id_hash=fingerprint(secret), created_at=at, seen_at=at))
    if old := read_secret(SESSION):
        connection.execute(
            update(launches)
            .where(launches.c.session_hash == fingerprint(old), launches.c.user_key == user_key)
            .where(launches.c.ended_at.is_(None))
            .values(session_hash=fingerprint(secret))
        )
        end_session(connection, old, at=at)
    return secret


def begin_own_session(connection: Connection, *, at: datetime) -> str:
    """Return the secret of a new session for one patient; whatever was open in this browser before ends here."""
    if old := read_secret(SESSION):
        end_session(connection, old, at=at)
    secret = new_secret()
    connection.execute(insert(sessions).values(id_hash=fingerprint(secret), created_at=at, seen_at=at))
    return secret


def nobodys_session(connection: Connection, *, at: datetime) -> str:
    """Return the fingerprint of a session that nobody has, for a launch that waits for its person."""
    mark = fingerprint(new_secret())
    connection.execute(insert(sessions).values(id_hash=mark, created_at=at, seen_at=at, ended_at=at))
    return mark


def leave_session(connection: Connection, secret: str, *, at: datetime) -> bool:
    """Close a session in its browser, and leave its launch to whoever can prove that it is theirs.

    Returns whether it was open.
    """
    alive = (sessions.c.id_hash == fingerprint(secret)) & sessions.c.ended_at.is_(None)
    return connection.execute(update(sessions).where(alive).values(ended_at=at)).rowcount > 0


def end_session(connection: Connection, secret: str, *, at: datetime) -> None:
    """End a session and every launch that is open in it."""
    ended: Mapping[str, datetime] = {"ended_at": at}
    mine = launches.c.session_hash == fingerprint(secret)
    connection.execute(update(launches).where(mine, launches.c.ended_at.is_(None)).values(ended))
    connection.execute(update(sessions).where(sessions.c.id_hash == fingerprint(secret)).values(ended))


def of_live_session(owner: ColumnElement[str]) -> ColumnElement[bool]:
    """Return what holds where `owner`, the fingerprint of a session, is that of the live one of `this_browser`."""
    alive = exists().where(sessions.c.id_hash == owner, sessions.c.ended_at.is_(None))
    return and_(owner == bindparam("of_session"), alive)


def this_browser() -> dict[str, str | None]:
    """Return what a statement with `of_live_session` is executed with; without a session nothing is of it."""
    secret = read_secret(SESSION)
    return {"of_session": fingerprint(secret) if secret else None}
