"""When to leave an EHR alone: it does not answer, or enough of us are asking it already (F03)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import Final, Literal, Protocol

from fhir_alliance.errors import NotSent

FAILURES: Final = 5
"""How many requests in a row must go without an answer before no more are sent."""

PAUSE: Final = 15.0
"""Seconds for which none is sent then; after them a single one tries."""

AT_ONCE: Final = 6
"""How many requests an EHR gets at a time: fewer than the threads of the app, so that others are still served."""

PATIENCE: Final = 1.0
"""Seconds to wait for one's turn at an EHR that is answering others."""

State = Literal["closed", "open", "half-open"]


class Turn(Protocol):
    """A lock or semaphore of threading."""

    def acquire(self, blocking: bool = ..., timeout: float = ...) -> bool:
        """Take it, within a time."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True, kw_only=True)
class Availability:
    """How an EHR has been answering: `open` lets nothing through, `half-open` one request that tries."""

    state: State
    failures: int
    in_flight: int


@dataclass(kw_only=True)
class Passage:
    """One request on its way; `answered` is what it told of the EHR, None as long as that is nothing."""

    trying: bool
    answered: bool | None = None


@contextmanager
def turn(lock: Turn, *, patience: float = 5.0) -> Iterator[None]:
    """Hold what others hold while the EHR answers them; NotSent when it is not to be had within `patience` seconds."""
    if not lock.acquire(timeout=patience):
        raise NotSent("too many requests wait for this EHR")
    try:
        yield
    finally:
        lock.release()


class Breaker:
    """Lets requests to one EHR through as long as it answers; thread safe, `clock` returns seconds.

    Our own: pybreaker 1.4.1 runs what it guards under one lock, so one request at a time, by a clock of its own, and
    circuitbreaker 2.1.3 lets every thread try at once when the pause is over.
    """

    def __init__(self, clock: Callable[[], float], *, at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._places = BoundedSemaphore(at_once)
        self._lock = Lock()
        self._failures = 0
        self._in_flight = 0
        self._opened_at: float | None = None
        self._trying = False

    @contextmanager
    def passage(self) -> Iterator[Passage]:
        """Let one request through, which then tells how it went; raises NotSent when the EHR is left alone."""
        with self._lock:
            self._refuse()
        with turn(self._places, patience=self._patience):
            passage = self._begin()
            try:
                yield passage
            finally:
                self._end(passage)

    @property
    def availability(self) -> Availability:
        """How the EHR has been answering, as of now."""
        with self._lock:
            return Availability(state=self._state(), failures=self._failures, in_flight=self._in_flight)

    def _state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() - self._opened_at < PAUSE else "half-open"

    def _refuse(self) -> State:
        """Raise NotSent unless a request may go now; returns the state."""
        state = self._state()
        if state == "open" or (state == "half-open" and self._trying):
            raise NotSent("it has not been answering")
        return state

    def _begin(self) -> Passage:
        with self._lock:
            self._trying = self._refuse() == "half-open"
            self._in_flight += 1
            return Passage(trying=self._trying)

    def _end(self, passage: Passage) -> None:
        with self._lock:
            self._in_flight -= 1
            if passage.trying:
                self._trying = False
            if passage.answered:
                self._failures, self._opened_at = 0, None
            elif self._opened_at is None:
                self._failures += passage.answered is False
                self._opened_at = self._clock() if self._failures >= FAILURES else None
            elif passage.trying:
                self._opened_at = self._clock()
