"""The one way to open the database and to write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import count
from threading import Event
from time import monotonic, sleep
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, Function, func, inspect, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from fhir_alliance.databases import LOCK_SECONDS, Database, is_busy, open_database
from fhir_alliance.errors import AllianceError, NotSent, StoreError
from fhir_alliance.writer import Writer

START_SECONDS: Final = 60.0
"""So long a process that starts waits for another one that is writing, be it the tables of a new version."""
_MIGRATIONS: Final = "fhir_alliance:migrations"
_BUSY: Final = (
    "another process is writing to the database and does not end: stop what else uses it (a second copy of the app, "
    "a backup, a database shell), then start again"
)
_log = structlog.get_logger(__name__)


def open_store(address: str, *, patience: float = 0, lock: float = LOCK_SECONDS) -> Engine:
    """Open the database at an address, a `sqlite:///` file or a `postgresql://` one, and bring its tables up to date.

    While another process is writing it is tried again for `patience` seconds, which the log says each time; `lock` is
    how many seconds one try, and later each transaction, waits. Raises InvalidSettings for any other address or one
    that is not safe, StoreError when the database cannot be used, is damaged, or is newer than this program.
    """
    database = open_database(address, lock=lock)
    engine = database.engine
    engine.update_execution_options(writer=Writer(engine))
    try:
        _bring_up_to_date(database, patience, lock)
    except AllianceError:
        engine.dispose()
        raise
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Write as the only writer; committed when the block ends, rolled back when it raises.

    Raises StoreError when the database refuses a statement or the commit.
    """
    try:
        with _writer(engine).transaction() as connection:
            yield connection
    except SQLAlchemyError as error:
        # The database's own message may quote values: only its kind is told, and no traceback prints the rest.
        raise StoreError(type(error).__name__) from None


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[None]:
    """Do something named that no other process on this database does meanwhile; no transaction, so it may take long.

    An SQLite file has one process. Raises NotSent when another one does not end within the database's lock_timeout.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    key = func.hashtextextended(name, 0)
    # Held by the connection, which ends with its process: what crashes leaves no lock behind.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            connection.execute(select(func.pg_advisory_lock(key)))
        except OperationalError:
            raise NotSent("another process asks this EHR for the same") from None
        try:
            yield
        finally:
            _let_go(connection, key)


def _let_go(connection: Connection, key: Function[int]) -> None:
    """Give a lock back; a connection that cannot is closed, and its locks with it."""
    try:
        connection.execute(select(func.pg_advisory_unlock(key)))
    except SQLAlchemyError:
        connection.invalidate()


def unsure(engine: Engine) -> Event:
    """Return what is set when a commit has failed and nobody knows what is on the disk: end the process then (F26)."""
    return _writer(engine).unsure


def _writer(engine: Engine) -> Writer:
    writer: Writer = engine.get_execution_options()["writer"]
    return writer


def _bring_up_to_date(database: Database, patience: float, lock: float) -> None:
    """Check the database and its tables; StoreError when another process was writing until the end of the patience."""
    began = monotonic()
    for tries in count(1):
        if _is_up_to_date(database):
            return
        left = began + patience - monotonic()
        if left <= 0:
            _log.error("store.busy", detail=_BUSY)
            raise StoreError(_BUSY)
        _log.warning("store.busy", detail=f"another process is writing to the database: waiting, {left:.0f} s at most")
        # SQLite refuses at once where the other one is just making the file.
        sleep(max(began + tries * lock - monotonic(), 0))


def _is_up_to_date(database: Database) -> bool:
    """Check the database and its tables, unless another process is writing."""
    try:
        with _writer(database.engine).transaction() as connection:
            database.check(connection)
            _migrate(connection)
    except SQLAlchemyError as error:
        if is_busy(error):
            return False
        raise StoreError(type(error).__name__) from None
    return True


def _migrate(connection: Connection) -> None:
    if _version_of(connection) == newest_version():
        return
    # Eleven megabytes that a process would keep, and only an update needs them.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StoreError("the database was written by a newer version of this program: install that one") from None


def newest_version() -> str:
    """Return the version of the tables that this program works with, by the name of its last migration."""
    names = (each.name for each in files("fhir_alliance.migrations").joinpath("versions").iterdir())
    return max(name[1:5] for name in names if name.startswith("v"))


def _version_of(connection: Connection) -> str | None:
    """Return the version of the tables that are there, as Alembic has noted it; None when there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version
