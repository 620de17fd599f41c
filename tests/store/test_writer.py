"""Transactions that come together share a commit, and nothing else."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text

from fhir_alliance.audit import Event as AuditEvent
from fhir_alliance.audit import record, verify
from fhir_alliance.errors import StoreError
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import sessions

AT = datetime(2026, 11, 12, 10, 42, tzinfo=UTC)
CROWD = 10


def add(engine: Engine, name: str) -> None:
    """Write one row."""
    with transaction(engine) as connection:
        connection.execute(insert(sessions).values(id_hash=name, created_at=AT, seen_at=AT))


def names(engine: Engine) -> set[str]:
    """Return which rows are there."""
    with engine.connect() as connection:
        return set(connection.scalars(select(sessions.c.id_hash)))


@contextmanager
def crowd(engine: Engine, work: Callable[[str], None], others: int = CROWD) -> Iterator[list[Future[None]]]:
    """Let one thread begin to write, and many others come while it has not ended; it ends with the block."""
    begun, go_on = Event(), Event()

    def first() -> None:
        with transaction(engine) as connection:
            begun.set()
            go_on.wait(20)
            connection.execute(insert(sessions).values(id_hash="first", created_at=AT, seen_at=AT))

    writer = engine.get_execution_options()["writer"]
    with ThreadPoolExecutor(others + 1) as threads:
        futures = [threads.submit(first)]
        begun.wait(20)
        futures += [threads.submit(work, f"other-{number}") for number in range(others)]
        while writer.waiting < others and not futures[-1].done():
            Event().wait(0.001)
        yield futures
        go_on.set()


def test_those_who_come_together_share_a_commit(engine: Engine) -> None:
    """Ten who come while one is writing cost no commit of their own."""
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)

    with crowd(engine, lambda name: add(engine, name)):
        pass

    assert len(commits) == 1
    assert names(engine) == {"first", *(f"other-{number}" for number in range(CROWD))}


def test_who_comes_alone_is_committed_alone(engine: Engine) -> None:
    """Nobody waits for company."""
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)

    add(engine, "a")
    add(engine, "b")

    assert len(commits) == 2


def test_a_group_does_not_grow_without_end(engine: Engine) -> None:
    """The first of very many is committed before the last has written."""
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)

    with crowd(engine, lambda name: add(engine, name), others=80):
        pass

    assert len(commits) == 2
    assert len(names(engine)) == 81


def test_one_that_raises_is_undone_alone(engine: Engine) -> None:
    """A refused statement undoes what its own transaction wrote, and the others of the group are saved."""

    def work(name: str) -> None:
        with transaction(engine) as connection:
            connection.execute(insert(sessions).values(id_hash=name, created_at=AT, seen_at=AT))
            if name.endswith(("3", "9")):
                connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with crowd(engine, work) as futures:
        pass

    raised = [number for number, future in enumerate(futures[1:]) if future.exception() is not None]
    assert raised == [3, 9]
    assert all(isinstance(futures[number + 1].exception(), StoreError) for number in raised)
    assert names(engine) == {"first", *(f"other-{number}" for number in range(CROWD) if number not in raised)}


def test_a_first_one_that_raises_is_undone_alone(engine: Engine) -> None:
    """What the first of a group has written goes when it raises, and those who wait behind it are saved together."""
    writer = engine.get_execution_options()["writer"]

    def first() -> None:
        with transaction(engine) as connection:
            connection.execute(insert(sessions).values(id_hash="first", created_at=AT, seen_at=AT))
            later.append(threads.submit(add, engine, "later"))
            while not writer.waiting:
                Event().wait(0.001)
            connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    later: list[Future[None]] = []
    with ThreadPoolExecutor(2) as threads:
        refused = threads.submit(first).exception()

    assert isinstance(refused, StoreError)
    assert later[0].exception() is None
    assert names(engine) == {"later"}


def test_refused_commit_fails_everybody(engine: Engine) -> None:
    """When the common commit is refused nobody is told it was saved, and the next to come is served."""

    def refuse(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT * FROM nowhere")

    event.listen(engine, "commit", refuse)
    with crowd(engine, lambda name: add(engine, name)) as futures:
        pass
    event.remove(engine, "commit", refuse)
    add(engine, "later")

    assert all(isinstance(future.exception(), StoreError) for future in futures)
    assert names(engine) == {"later"}


@pytest.mark.parametrize("empty_store", ["postgresql"], indirect=True)
def test_f29_lost_server_fails_everybody(engine: Engine) -> None:
    """When the server ends the connection under a group, all of it is refused, and the next to come is served (F29)."""

    def work(name: str) -> None:
        with transaction(engine) as connection:
            connection.execute(insert(sessions).values(id_hash=name, created_at=AT, seen_at=AT))
            if name == "other-0":
                connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with crowd(engine, work, others=1) as futures:
        pass
    add(engine, "later")

    assert all(isinstance(future.exception(), StoreError) for future in futures)
    assert names(engine) == {"later"}


def test_nobody_returns_before_the_commit(engine: Engine) -> None:
    """Whoever has written is held until the commit that holds his row has ended."""
    done: list[bool] = []
    futures: list[Future[None]] = []
    event.listen(engine, "commit", lambda _: done.append(any(future.done() for future in futures)))

    with crowd(engine, lambda name: add(engine, name)) as found:
        futures += found

    assert done == [False]


def test_two_processes_keep_one_unbroken_trail(empty_store: str) -> None:
    """Writers that do not know each other, as two processes are, append to one chain in turn."""
    engines = [open_store(empty_store), open_store(empty_store)]

    def work(engine: Engine) -> None:
        for _ in range(10):
            with transaction(engine) as connection:
                record(connection, **_row())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, engines * 4))

    with engines[0].connect() as connection:
        assert verify(connection) == []
        assert connection.scalar(text("SELECT count(*) FROM audit")) == 80
    for engine in engines:
        engine.dispose()


def _row() -> dict[str, Any]:
    names = ("patient", "launch", "request_id")
    return {"at": AT, "event": AuditEvent.CHART_READ, "actor": "a", "ehr": "e", "outcome": "done"} | dict.fromkeys(
        names
    )
