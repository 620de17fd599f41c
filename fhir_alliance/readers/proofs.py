"""Signed proofs that were used, so that none is used twice by any worker (T78)."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from fhir_alliance.errors import ReaderRefused
from fhir_alliance.tables import reader_proofs


def spend(connection: Connection, owner: str, jti: str, *, expires_at: datetime, now: datetime) -> None:
    """Use up the proof `jti` of an owner within the caller's transaction; ReaderRefused when it was used before."""
    connection.execute(delete(reader_proofs).where(reader_proofs.c.expires_at <= now))
    digest = hashlib.sha256(f"{owner} {jti}".encode()).hexdigest()
    if connection.scalar(select(reader_proofs.c.jti_hash).where(reader_proofs.c.jti_hash == digest)):
        raise ReaderRefused("assertion: used before")
    connection.execute(insert(reader_proofs).values(jti_hash=digest, expires_at=expires_at))
