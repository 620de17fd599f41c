"""The database: private, durable, up to date, and written by one at a time."""

import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, event, insert, make_url, select, text
from structlog.exceptions import DropEvent
from structlog.testing import capture_logs

from fhir_alliance.databases import WRITER_LOCK
from fhir_alliance.errors import InvalidSettings, StoreError
from fhir_alliance.store import newest_version, open_store, transaction
from fhir_alliance.tables import sessions

NOON = datetime(2026, 11, 12, 12, 0, tzinfo=timezone(timedelta(hours=-5)))


def session(name: str, at: datetime = NOON) -> dict[str, Any]:
    """Return the values of a row to write."""
    return {"id_hash": name, "created_at": at, "seen_at": at}


def test_tables_are_what_the_migrations_make(engine: Engine) -> None:
    """The declared tables and the migrated database do not differ in anything Alembic can see."""
    config = Config()
    config.set_main_option("script_location", "fhir_alliance:migrations")

    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.check(config)


@contextmanager
def writing(address: str) -> Iterator[Callable[[], object]]:
    """Write to a database as another process does that does not come to an end; yields what ends it."""
    if address.startswith("sqlite"):
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield other.rollback
        return
    server = create_engine(make_url(address).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with server.connect() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"))
        yield other.rollback


@pytest.fixture
def heard() -> Iterator[Callable[[Callable[[], object]], list[str]]]:
    """Return what is logged from then on; with the third line something is done."""

    def begin(act: Callable[[], object]) -> list[str]:
        said: list[str] = []

        def hear(_: Any, level: str, entry: MutableMapping[str, Any]) -> str:
            said.append(f"{level} {entry['event']}")
            if len(said) == 3:
                act()
            raise DropEvent

        structlog.configure(processors=[hear])
        return said

    yield begin
    structlog.reset_defaults()


@pytest.mark.parametrize("made", [True, False], ids=["there", "being-made"])
def test_start_waits_for_another_writer(
    empty_store: str, tmp_path: Path, heard: Callable[..., list[str]], *, made: bool
) -> None:
    """A start that finds another process writing, or making the file, says so and tries again until that one ends."""
    address = empty_store if made else f"sqlite:///{tmp_path / 'new.db'}"

    with writing(address) as end:
        said = heard(end)
        engine = open_store(address, patience=3600, lock=0.05)

    with transaction(engine) as connection:
        connection.execute(insert(sessions).values(**session("a")))
    engine.dispose()
    assert said == ["warning store.busy"] * 3


def test_start_gives_up_with_what_to_do(empty_store: str) -> None:
    """After its patience a start ends, and says what may be in its way."""
    with capture_logs() as said, writing(empty_store), pytest.raises(StoreError) as caught:
        open_store(empty_store, lock=0.05)

    assert "stop what else uses it" in str(caught.value)
    assert [(each["log_level"], each["event"]) for each in said] == [("error", "store.busy")]


def test_opening_twice_keeps_what_is_there(empty_store: str) -> None:
    """A second start finds the rows of the first and changes nothing."""
    first = open_store(empty_store)
    with transaction(first) as connection:
        connection.execute(insert(sessions).values(**session("a")))
    first.dispose()

    second = open_store(empty_store)

    with second.connect() as connection:
        found = connection.execute(select(sessions)).all()
    second.dispose()

    assert [row.id_hash for row in found] == ["a"]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("busy_timeout", 5000)],
)
@pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)
def test_every_connection_is_durable(engine: Engine, pragma: str, value: object) -> None:
    """Each connection has the settings that the promise of the receipt rests on."""
    with engine.connect() as first, engine.connect() as second:
        found = {connection.scalar(text(f"PRAGMA {pragma}")) for connection in (first, second)}

    assert found == {value}


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    """The database and its journal are private, even when the file was readable before."""
    path = tmp_path / "alliance.db"
    path.touch(mode=0o644)

    engine = open_store(f"sqlite:///{path}")

    with transaction(engine) as connection:
        connection.execute(insert(sessions).values(**session("a")))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes == {"alliance.db": 0o600, "alliance.db-wal": 0o600, "alliance.db-shm": 0o600}


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("mysql://localhost/a", "must be a file"),
        ("no address", "must be an address"),
        ("postgresql://localhost", "must name a database"),
        ("postgresql://localhost/a?options=-cfsync%3Doff", "no options but host, sslmode, sslrootcert"),
        ("postgresql://alliance:CANARY@localhost/a", "must not hold a password"),
        ("postgresql://db.example.invalid/a", "needs ?sslmode=verify-full"),
        ("postgresql://db.example.invalid/a?sslmode=require", "needs ?sslmode=verify-full"),
        ("postgresql:///a?host=db.example.invalid", "needs ?sslmode=verify-full"),
    ],
)
def test_address_that_is_not_safe_is_refused(address: str, fault: str) -> None:
    """A database that would forget, or would be read on the way, stops the start with a setting to mend."""
    with pytest.raises(InvalidSettings) as caught:
        open_store(address)

    (said,) = caught.value.faults
    assert fault in said
    assert "CANARY" not in said


def test_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A PostgreSQL that does not answer is a StoreError, at once and without its address."""
    with pytest.raises(StoreError) as caught:
        open_store(f"postgresql:///alliance?host={tmp_path}")

    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("empty_store", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("setting", "value"),
    [("synchronous_commit", "on"), ("idle_in_transaction_session_timeout", "10s"), ("lock_timeout", "5s")],
)
def test_every_postgresql_connection_is_durable_and_bounded(engine: Engine, setting: str, value: str) -> None:
    """Whatever the server's own defaults are, a commit is on its disk, and nobody is waited for without end."""
    with engine.connect() as connection:
        assert connection.scalar(text(f"SHOW {setting}")) == value


def test_missing_folder_is_told(tmp_path: Path) -> None:
    """A folder that does not exist is a StoreError that names no path."""
    with pytest.raises(StoreError) as caught:
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}")

    assert "nowhere" not in str(caught.value)


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file of something else is not overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)

    with pytest.raises(StoreError):
        open_store(f"sqlite:///{path}")

    assert path.read_text().startswith("not a database")


@pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)
def test_f27_damaged_database_is_refused(empty_store: str, tmp_path: Path) -> None:
    """A database with damaged pages does not start: it would lose or invent answers (F27)."""
    engine = open_store(empty_store)
    with transaction(engine) as connection:
        connection.execute(insert(sessions), [session(f"{number:032}") for number in range(500)])
    engine.dispose()
    path = tmp_path / "alliance.db"
    content = bytearray(path.read_bytes())
    content[-8192:-4096] = b"\xff" * 4096
    path.write_bytes(content)

    with pytest.raises(StoreError):
        open_store(empty_store)


def test_database_of_a_newer_version_is_refused(engine: Engine, empty_store: str) -> None:
    """A program older than the database does not touch it."""
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="newer version"):
        open_store(empty_store)


def test_newest_version_is_that_of_the_last_migration() -> None:
    """Alembic finds the same last migration, so a database that needs one is never taken for up to date."""
    config = Config()
    config.set_main_option("script_location", "fhir_alliance:migrations")

    assert ScriptDirectory.from_config(config).get_current_head() == newest_version()


def test_up_to_date_database_needs_no_migrations(empty_store: str) -> None:
    """A process that has nothing to migrate does not carry what migrates."""
    opening = f"import sys; from fhir_alliance.store import open_store; open_store({empty_store!r}).dispose()"
    asked = f"{opening}; sys.exit('alembic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0


def test_instant_comes_back_in_utc(engine: Engine) -> None:
    """An instant keeps its meaning, whatever offset it came with."""
    with transaction(engine) as connection:
        connection.execute(insert(sessions).values(**session("a")))

    with engine.connect() as connection:
        found = connection.scalar(select(sessions.c.seen_at))

    assert found == NOON
    assert found is not None
    assert found.tzinfo is UTC


def test_instant_without_offset_is_refused(engine: Engine) -> None:
    """A time that could be anywhere is not stored."""
    with pytest.raises(StoreError), transaction(engine) as connection:
        connection.execute(insert(sessions).values(**session("a", datetime(2026, 11, 12))))  # noqa: DTZ001  # on purpose


def test_refused_write_leaves_nothing(engine: Engine) -> None:
    """When one statement is refused, nothing of the transaction stays, and no value is in the error."""
    with pytest.raises(StoreError) as caught, transaction(engine) as connection:
        connection.execute(insert(sessions), [session("other"), session("CANARY"), session("CANARY")])

    with engine.connect() as connection:
        assert connection.execute(select(sessions)).all() == []
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)
def test_full_disk_is_a_store_error(engine: Engine) -> None:
    """A database that cannot grow refuses the write and keeps what it had (F24)."""
    engine.dispose()

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    with pytest.raises(StoreError), transaction(engine) as connection:
        connection.execute(insert(sessions), [session(f"{number:064}") for number in range(2000)])

    with engine.connect() as connection:
        assert connection.execute(select(sessions)).all() == []


def test_writers_wait_for_each_other(engine: Engine) -> None:
    """Twenty read-then-write transactions at the same time lose no step: each begins as the only writer."""
    with transaction(engine) as connection:
        connection.execute(insert(sessions).values(**session("counter", datetime(2026, 1, 1, tzinfo=UTC))))

    def step() -> None:
        with transaction(engine) as connection:
            seen = connection.scalar(select(sessions.c.seen_at))
            assert seen is not None
            connection.execute(sessions.update().values(seen_at=seen + timedelta(days=1)))

    threads = [threading.Thread(target=step) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with engine.connect() as connection:
        assert connection.scalar(select(sessions.c.seen_at)) == datetime(2026, 1, 21, tzinfo=UTC)
