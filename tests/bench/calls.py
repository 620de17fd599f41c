"""The calls that an EHR answers: when each began and ended, and how many rounds they were."""

from collections.abc import Callable
from threading import Event
from time import perf_counter
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One call as it arrived; `token` is its Authorization header."""

    began: float
    ended: float
    method: str
    path: str
    query: str
    token: str


class Calls:
    """In front of the EHR: notes when each call began and ended, so that those in parallel count as one round."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self.delay = 0.0
        self._noted: list[Call] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        """Answer one request (WSGI)."""
        began = perf_counter()
        Event().wait(self.delay)
        body = self._app(environ, start)
        self._noted.append(
            Call(
                began=began,
                ended=perf_counter(),
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                query=environ["QUERY_STRING"],
                token=environ.get("HTTP_AUTHORIZATION", ""),
            )
        )
        return body

    def take(self) -> list[Call]:
        """Return the calls for FHIR, keys and style since the last time, in the order they began."""
        taken, self._noted = self._noted, []
        return sorted(call for call in taken if call.path.startswith(("/fhir", "/auth/jwks", "/auth/smart-style")))


def rounds_of(calls: list[Call]) -> int:
    """Return how many rounds a person waited for: a call that began before the last round ended belongs to it."""
    count, ends = 0, 0.0
    for call in calls:
        count += call.began >= ends
        ends = call.ended if call.began >= ends else max(ends, call.ended)
    return count
