"""Writes that wait for a person: answered 202 at once, in the record once they have been looked at."""

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from smart_app.sandbox.fhir.store import ResourceStore

T = TypeVar("T")


class _TakenBack(Exception):
    """Leaves a transaction so that nothing of it is kept."""


class Review:
    """What waits, in the order it came, and until when; `clock` returns seconds. It is lost when the server stops."""

    def __init__(self, store: ResourceStore, *, seconds: float, clock: Callable[[], float]) -> None:
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._waiting: list[tuple[float, Callable[[], object]]] = []
        self._lock = Lock()

    def hold(self, write: Callable[[], T]) -> T:
        """Return what a write would come to, and carry it out later; raises at once what it raises."""
        outcome: list[T] = []
        with suppress(_TakenBack), self._store.transaction():
            outcome.append(write())
            _take_back()
        with self._lock:
            self._waiting.append((self._clock() + self._seconds, write))
        return outcome[0]

    def admit(self) -> None:
        """Carry out every write that has waited long enough."""
        now = self._clock()
        with self._lock:
            due = [write for at, write in self._waiting if at <= now]
            self._waiting = [(at, write) for at, write in self._waiting if at > now]
        for write in due:
            write()


def _take_back() -> None:
    raise _TakenBack
