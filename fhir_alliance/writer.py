"""The one writer of a database in this process: transactions that come at the same time share one commit."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from fhir_alliance.errors import StoreError

# More than this at a time would make the first wait for the last.
_TOGETHER: Final = 64
# The primary codes of SQLite's errors after which a file may hold what was not committed, or not hold what was.
_DOUBTFUL: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(eq=False)
class _Group:
    """Transactions that are committed together; `failed` says why none of them was."""

    connection: Connection
    members: int = 0
    ended: Event = field(default_factory=Event)
    failed: BaseException | None = None


class Writer:
    """Lets one thread at a time write, in the order they come, and commits once for all who are waiting.

    A commit costs a flush to the disk, so the more come at once the fewer flushes each costs. Each that joins others is
    a savepoint of its own: one that raises is undone alone, and if it is the first the transaction ends with it. Nobody
    returns before the commit that holds his rows; if that fails, nothing of any of them was saved. `unsure` is set when
    a commit failed so that nobody knows what is on the disk now (F26): from then on nothing is written, until another
    process has opened the database and checked it.
    """

    def __init__(self, engine: Engine) -> None:
        self.unsure = Event()
        self._engine = engine
        self._turn = Lock()
        self._counting = Lock()
        self._waiting = 0
        self._group: _Group | None = None

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._waiting

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield the connection to write with; committed when the block has ended and this returns.

        Raises SQLAlchemyError when a statement is refused, StoreError when the common commit is, or was for good.
        """
        self._wait_for_turn()
        try:
            if self.unsure.is_set():
                raise StoreError("an earlier commit has failed, and what it has left is not known")
            group = self._joined()
            try:
                # Before the first nobody has written anything that would have to be spared.
                with nullcontext() if group.members == 1 else _member(group.connection):
                    yield group.connection
            except BaseException as error:
                self._leave(group, error)
                raise
            self._leave(group)
        finally:
            self._turn.release()
        group.ended.wait()
        if group.failed is not None:
            raise StoreError(type(group.failed).__name__)

    def _wait_for_turn(self) -> None:
        with self._counting:
            self._waiting += 1
        self._turn.acquire()
        with self._counting:
            self._waiting -= 1

    def _joined(self) -> _Group:
        """Return the group that is open, or open one."""
        if self._group is None:
            connection = self._engine.connect().execution_options(writes=True)
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            self._group = _Group(connection)
        self._group.members += 1
        return self._group

    def _leave(self, group: _Group, error: BaseException | None = None) -> None:
        """End the group, unless somebody is waiting who will; whoever lost the transaction itself ends it at once."""
        usable = _usable(group.connection)
        group.failed = None if usable and group.members > 1 else error
        if group.failed is None and self._waiting and group.members < _TOGETHER:
            return
        self._group = None
        try:
            if group.failed is None:
                group.connection.commit()
        except SQLAlchemyError as refused:
            group.failed, usable = refused, False
            if _is_doubtful(refused):
                self.unsure.set()
        finally:
            if not usable:
                group.connection.invalidate()  # the connection's end undoes what was not committed
            group.connection.close()  # and so does this, to what the only one has written who raised
            group.ended.set()


@contextmanager
def _member(connection: Connection) -> Iterator[None]:
    """Keep apart what one member writes: it is undone alone when the block raises.

    Savepoints of SQLAlchemy's own have a new name each time, which costs it five times as much.
    """
    connection.exec_driver_sql("SAVEPOINT member")
    try:
        yield
    except BaseException:
        if _usable(connection):
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT member")
        raise
    connection.exec_driver_sql("RELEASE SAVEPOINT member")


def _usable(connection: Connection) -> bool:
    """Return whether the common transaction goes on: a full disk or a lost server ends it under everybody."""
    if connection.invalidated or not connection.in_transaction():
        return False
    raw = connection.connection.dbapi_connection
    return getattr(raw, "in_transaction", True) is not False


def _is_doubtful(error: SQLAlchemyError) -> bool:
    """Return whether a refused commit may be on the disk all the same; a full disk or a busy file refuses it whole."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)
    return code & 0xFF in _DOUBTFUL
