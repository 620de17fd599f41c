"""The tokens that readers hold: short-lived, stored as digests only, for one reader and its scopes."""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select

from fhir_alliance.readers.assertions import Proven
from fhir_alliance.readers.proofs import spend
from fhir_alliance.tables import reader_tokens

LIFE: Final = timedelta(seconds=300)
"""How long a token is good (spec row S50)."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a token stands for."""

    reader: str
    scopes: frozenset[str]


class ReaderTokens:
    """Gives out tokens for proofs that were not used before, by any worker, and knows them again."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def issue(self, connection: Connection, proven: Proven, scopes: Iterable[str]) -> str:
        """Return a new token within the caller's transaction; ReaderRefused when the proof was used before."""
        now = self._clock()
        connection.execute(delete(reader_tokens).where(reader_tokens.c.expires_at <= now))
        spend(connection, proven.reader.client_id, proven.jti, expires_at=proven.expires_at, now=now)
        token = secrets.token_urlsafe(32)
        row = {"token_hash": _digest(token), "reader": proven.reader.name, "scopes": " ".join(sorted(scopes))}
        connection.execute(insert(reader_tokens).values(**row, expires_at=now + LIFE))
        return token

    def find(self, token: str) -> Held | None:
        """Return what a token stands for; None when it is not one of ours, or is over."""
        mine = (reader_tokens.c.token_hash == _digest(token)) & (reader_tokens.c.expires_at > self._clock())
        with self._engine.connect() as connection:
            row = connection.execute(select(reader_tokens).where(mine)).one_or_none()
        return None if row is None else Held(reader=row.reader, scopes=frozenset(row.scopes.split()))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
