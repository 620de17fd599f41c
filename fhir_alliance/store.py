"""The one way to open the database and to write to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from fhir_alliance.errors import InvalidSettings, StoreError

# An accepted form must be on the disk before anybody is thanked for it: synchronous=FULL.
_PRAGMAS: Final = (
    "busy_timeout=5000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "temp_store=MEMORY",
)
_MIGRATIONS: Final = "fhir_alliance:migrations"


def open_store(url: str) -> Engine:
    """Open the database file of a `sqlite:///` URL, private to its owner, and bring its tables up to date.

    Raises InvalidSettings for any other URL, StoreError when the file cannot be used, is damaged, or is newer than this
    program.
    """
    path = _path(url)
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"the database file cannot be opened: {error.strerror}") from None
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    with transaction(engine) as connection:
        _check(connection)
        _migrate(connection)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Write as the only writer; committed when the block ends, rolled back when it raises.

    Raises StoreError when the database refuses a statement or the commit.
    """
    try:
        with engine.execution_options(writes=True).begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        # The database's own message may quote values: only its kind is told.
        raise StoreError(type(error).__name__) from error


def _path(url: str) -> Path:
    try:
        parts = make_url(url)
    except ArgumentError:
        raise InvalidSettings(["database: must be an address such as sqlite:///alliance.db"]) from None
    if parts.get_backend_name() != "sqlite" or parts.database in (None, "", ":memory:") or parts.query:
        raise InvalidSettings(["database: must be a file, such as sqlite:///alliance.db"])
    return Path(str(parts.database))


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transactions begin too late to be the only writer: they are begun by hand.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _check(connection: Connection) -> None:
    if connection.scalar(text("PRAGMA quick_check(1)")) != "ok":
        raise StoreError("the database file is damaged: restore a backup")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StoreError("the database was written by a newer version of this program: install that one") from None
