"""A process that accepts forms is killed at any of its writes: who was thanked has a row, and asks again in vain."""

import os
import shutil
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from socket import socket, socketpair

import orjson
import pytest
from sqlalchemy import select

from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.store import open_store
from fhir_alliance.tables import submissions
from fhir_alliance.vault import Vault

from .bench import Bench
from .injecting import FLUSHES, killed_at

POINTS = 60
CALLS = {"write": ("pwrite64",), "flush": FLUSHES}


class Desk:
    """Forms to accept on a database of their own, by a process that does nothing else."""

    def __init__(self, database: str, vault: Vault, forms: list[Submission], grant: str) -> None:
        self._database = database
        self._vault = vault
        self._forms = [(each, orjson.dumps(write_bundle(each))) for each in forms]
        self._grant = grant

    def accept_until_killed(self, calls: tuple[str, ...], number: int) -> list[str]:
        """Accept one after another in a process that ends at its so many-th call; returns the keys of the receipts."""
        ours, theirs = socketpair()
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                self._accept(theirs)
            os._exit(1)
        theirs.close()
        with ours, ours.makefile("r") as told:
            told.readline()
            with killed_at(pid, calls, number):
                ours.send(b"begin")
                thanked = told.read().split()
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        return thanked

    def kept(self) -> list[str]:
        """Return the keys of what the database has, in the order it was accepted."""
        engine = open_store(self._database)
        try:
            with engine.connect() as connection:
                return list(connection.scalars(select(submissions.c.key).order_by(submissions.c.sequence)))
        finally:
            engine.dispose()

    def accept_again(self) -> list[str]:
        """Accept all of them, as after a doubtful answer; returns the keys of the receipts."""
        engine = open_store(self._database)
        try:
            outbox = Outbox(engine, self._vault, _now)
            return [outbox.accept(form, bundle, grant=self._grant).key for form, bundle in self._forms]
        finally:
            engine.dispose()

    def _accept(self, peer: socket) -> None:
        """Open the store, wait to be traced, and tell each receipt as soon as there is one."""
        outbox = Outbox(open_store(self._database), self._vault, _now)
        peer.send(b"ready\n")
        peer.recv(8)
        for form, bundle in self._forms:
            peer.send(outbox.accept(form, bundle, grant=self._grant).key.encode() + b"\n")


@pytest.mark.parametrize("kind", CALLS)
def test_f22_killed_at_any_write_of_an_accept(bench: Bench, tmp_path: Path, long: bool, kind: str) -> None:
    """For each N the N-th write or flush is the last: receipts have their rows, and one row at most has no receipt.

    The same keys sent again have the same receipts, and one row each (I1, I2).
    """
    forms, grant = [bench.submission() for _ in range(POINTS)], bench.grant()
    bench.store.dispose()
    prepared = bench.database.removeprefix("sqlite:///")

    for number in range(1, POINTS + 1, 1 if long else 10):
        copy = shutil.copy(prepared, tmp_path / f"{kind}-{number}.db")
        desk = Desk(f"sqlite:///{copy}", bench.vault, forms, grant)

        thanked = desk.accept_until_killed(CALLS[kind], number)
        stored = desk.kept()
        again = desk.accept_again()

        assert stored[: len(thanked)] == thanked
        assert len(stored) - len(thanked) in (0, 1)
        assert desk.kept() == again == [each.key for each in forms]


def test_f23_killed_between_commit_and_reply(bench: Bench, tmp_path: Path) -> None:
    """The process dies as it begins to tell of a commit: sent again, that key has a receipt, and one row."""
    forms, grant = [bench.submission() for _ in range(3)], bench.grant()
    bench.store.dispose()
    copy = shutil.copy(bench.database.removeprefix("sqlite:///"), tmp_path / "copy.db")
    desk = Desk(f"sqlite:///{copy}", bench.vault, forms, grant)
    first, second, _ = keys = [each.key for each in forms]

    thanked = desk.accept_until_killed(("sendto",), 2)
    stored = desk.kept()

    assert (thanked, stored) == ([first], [first, second])
    assert desk.accept_again() == desk.kept() == keys


def _now() -> datetime:
    return datetime.now(UTC)
