"""Work that somebody waits for, but not for long: a chart must open whatever happens here (C09, T82)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from threading import BoundedSemaphore
from typing import Final, TypeVar

from fhir_alliance.errors import AllianceError

SECONDS: Final = 0.35
"""How long a caller waits for our work; 400 ms with what the server adds."""

_AT_ONCE: Final = 16
T = TypeVar("T")


class OutOfTime(AllianceError):
    """The work was not done in time, or so much is being done already that it was not begun."""

    code = "cards.out-of-time"
    http_status = 503
    sentence = "This took too long: please send it again later."


class Budget:
    """Does work in threads of its own; what nobody waits for any more ends by itself. Threads start when needed."""

    def __init__(self, seconds: float = SECONDS, at_once: int = _AT_ONCE) -> None:
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="cards")
        self._free = BoundedSemaphore(at_once)

    def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns, or raise what it raises; OutOfTime when it is not done in time."""
        if not self._free.acquire(blocking=False):
            raise OutOfTime("busy")
        doing = self._pool.submit(work)
        doing.add_done_callback(lambda _: self._free.release())
        try:
            return doing.result(self._seconds)
        except StillRunning:
            raise OutOfTime("slow") from None
