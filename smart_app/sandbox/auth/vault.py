"""Values behind unguessable keys, each for a limited time: the memory of the authorization server."""

import secrets
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")
Clock = Callable[[], float]  # seconds since 1970


class Vault(Generic[Value]):
    """Remember values until they are taken or their time is over; thread safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[float, Value]] = {}

    def put(self, value: Value, *, seconds: float) -> str:
        """Keep `value` for `seconds` and return its new key (256 random bits)."""
        key = secrets.token_urlsafe(32)
        self.add(key, value, seconds=seconds)
        return key

    def add(self, key: str, value: Value, *, seconds: float) -> bool:
        """Keep `value` under a key of the caller's; False, and nothing kept, when the key is taken."""
        with self._lock:
            self._sweep()
            if self._live(key) is not None:
                return False
            self._entries[key] = (self._clock() + seconds, value)
            return True

    def get(self, key: str) -> Value | None:
        """Return the value behind `key`, None when unknown or over."""
        with self._lock:
            return self._live(key)

    def take(self, key: str) -> Value | None:
        """Return the value behind `key` and forget it: of several takers one gets it, the others None."""
        with self._lock:
            value = self._live(key)
            self._entries.pop(key, None)
            return value

    def forget(self, doomed: Callable[[Value], bool]) -> None:
        """Forget every value that `doomed` says yes to."""
        with self._lock:
            self._entries = {key: entry for key, entry in self._entries.items() if not doomed(entry[1])}

    def _live(self, key: str) -> Value | None:
        until, value = self._entries.get(key, (0.0, None))
        return value if self._clock() < until else None

    def _sweep(self) -> None:
        """Drop what is over from the old end; entries are in the order they came, so this stays cheap."""
        now = self._clock()
        while self._entries:
            oldest = next(iter(self._entries))
            if self._entries[oldest][0] > now:
                return
            del self._entries[oldest]
