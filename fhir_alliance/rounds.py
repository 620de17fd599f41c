"""Work that is done again and again in a thread of its own, and goes on whatever goes wrong."""

from abc import ABC, abstractmethod
from threading import Event, Thread

import structlog

from fhir_alliance.errors import AllianceError

_log = structlog.get_logger(__name__)


class Rounds(ABC):
    """Makes a round at once and then one after every pause of so many seconds, until it is stopped.

    `paused` is the log event of a round that failed. It has the kind of the error alone: a message or a traceback may
    quote a patient's data. A round that takes long looks at `_stopping` and begins nothing more once that is set.
    """

    def __init__(self, name: str, *, pause: float, paused: str) -> None:
        self._name = name
        self._pause = pause
        self._paused = paused
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin in a background thread."""
        self._stopping.clear()
        self._thread = Thread(target=self._work, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand, begin nothing more, and end the thread; what never started is left alone."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @abstractmethod
    def _make_round(self) -> None:
        """Do once whatever is due now."""

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._make_round()
            except Exception as error:
                # Whatever it was: a thread that ended here would be missed by nobody, and do nothing ever again.
                code = error.code if isinstance(error, AllianceError) else type(error).__name__
                _log.error(self._paused, code=code)
            self._stopping.wait(self._pause)
