"""What differs between the two databases: which address is one, how a connection is made safe, who may write."""

import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from fhir_alliance.errors import InvalidSettings, StoreError

# An accepted form must be on the disk before anybody is thanked for it: synchronous=FULL.
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "temp_store=MEMORY",
    # In KiB, of each connection, of which there may be a dozen; the system keeps the file's pages anyway.
    "cache_size=-256",
)
# A writer that is frozen inside a transaction must not stop all the others for ever: the server ends it.
_POSTGRESQL: Final = {
    "synchronous_commit": "on",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
}
LOCK_SECONDS: Final = 5.0
"""So long a transaction waits for another writer."""
_LOCK_NOT_AVAILABLE: Final = "55P03"
WRITER_LOCK: Final = 5_219_742_301
"""What a writer on PostgreSQL locks: any number will do, as long as every process of this product takes the same."""
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_QUERY: Final = frozenset({"host", "sslmode", "sslrootcert"})


class Database(Protocol):
    """One kind of database, opened."""

    engine: Engine

    def check(self, connection: Connection) -> None:
        """Raise StoreError when the database is damaged."""


def open_database(address: str, *, lock: float = LOCK_SECONDS) -> Database:
    """Open what a database address names, without touching what is in it; `lock` are seconds to wait for a writer.

    Raises InvalidSettings for an address that is not safe to use, StoreError when its file cannot be used.
    """
    try:
        url = make_url(address)
    except ArgumentError:
        raise InvalidSettings(
            ["database: must be an address such as sqlite:///alliance.db or postgresql://alliance@localhost/alliance"]
        ) from None
    if url.get_backend_name() == "postgresql":
        return _PostgreSql(url, lock)
    return _Sqlite(url, lock)


def is_busy(error: SQLAlchemyError) -> bool:
    """Whether a database refused because another process was writing for too long."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE


class _Sqlite:
    """A file of its own, private to its owner."""

    def __init__(self, url: URL, lock: float) -> None:
        if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:") or url.query:
            raise InvalidSettings(["database: must be a file, such as sqlite:///alliance.db, or a PostgreSQL database"])
        path = Path(str(url.database))
        try:
            path.touch(mode=0o600)
            path.chmod(0o600)
        except OSError as error:
            raise StoreError(f"the database file cannot be opened: {error.strerror}") from None
        self.engine = create_engine(url, hide_parameters=True)
        event.listen(self.engine, "connect", partial(self._prepare, f"busy_timeout={lock * 1000:.0f}"))
        event.listen(self.engine, "begin", self._begin)

    def check(self, connection: Connection) -> None:
        if connection.scalar(text("PRAGMA quick_check(1)")) != "ok":
            raise StoreError("the database file is damaged: restore a backup")

    @staticmethod
    def _prepare(wait: str, connection: sqlite3.Connection, _: object) -> None:
        # The driver's own transactions begin too late to be the only writer: they are begun by hand.
        connection.isolation_level = None
        for pragma in (wait, *_PRAGMAS):
            connection.execute(f"PRAGMA {pragma}")

    @staticmethod
    def _begin(connection: Connection) -> None:
        if _writes(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # It takes no lock yet, so it cannot be refused; as a statement it would cost more than what is read.
            connection.connection.cursor().execute("BEGIN")


class _PostgreSql:
    """A database that many processes share; its server looks after what is in it."""

    def __init__(self, url: URL, lock: float) -> None:
        if faults := _faults(url):
            raise InvalidSettings(faults)
        wanted = {**_POSTGRESQL, "lock_timeout": f"{lock * 1000:.0f}ms"}
        options = " ".join(f"-c {name}={value}" for name, value in wanted.items())
        arguments: Mapping[str, Any] = {"options": options, "connect_timeout": 5, "application_name": "fhir-alliance"}
        try:
            self.engine = create_engine(
                url.set(drivername="postgresql+psycopg"),
                connect_args=dict(arguments),
                hide_parameters=True,
                pool_pre_ping=True,
            )
        except ModuleNotFoundError:
            raise InvalidSettings(
                ["database: PostgreSQL needs its driver; install it with pip install 'fhir-alliance[postgresql]'"]
            ) from None
        event.listen(self.engine, "begin", self._begin)

    def check(self, connection: Connection) -> None:
        """Leave it to the server, which checks its pages as it reads them."""

    @staticmethod
    def _begin(connection: Connection) -> None:
        if _writes(connection):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")


def _faults(url: URL) -> list[str]:
    faults = []
    if url.password:
        faults.append(
            "database: must not hold a password; put it into the file that PGPASSFILE names (~/.pgpass), mode 0600"
        )
    if not url.database or set(url.query) - _QUERY:
        faults.append("database: must name a database, with no options but " + ", ".join(sorted(_QUERY)))
    host = url.host or str(url.query.get("host", ""))
    away = bool(host) and not host.startswith("/") and host not in _LOCAL
    if away and url.query.get("sslmode") != "verify-full":
        faults.append("database: is on another machine, so it needs ?sslmode=verify-full&sslrootcert=FILE")
    return faults


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("writes", False))
