"""In front of the sandbox EHR: what goes wrong with an answer or with the request behind it (rows F04-F14)."""

import io
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from threading import Event
from typing import Any, Final

Start = Callable[..., Any]
App = Callable[[dict[str, Any], Start], Iterable[bytes]]

LOST: Final = "reply lost"
CUT: Final = "reply cut"
BROKEN: Final = "5xx after the write"
LATE: Final = "write after the reply was lost"
PARTLY: Final = "written in part"
SLOW: Final = "reply too late"
UNAVAILABLE: Final = "503"
BUSY: Final = "429 with Retry-After"
EXPIRED: Final = "token expired"
READS: Final = (LOST, CUT, UNAVAILABLE, BUSY, EXPIRED)
# A reply that is too late stops a whole lane: few of them are enough.
WRITES: Final = (*READS * 3, *(BROKEN, LATE) * 4, SLOW)


class Faulty:
    """A WSGI layer: `choose` names the fault of a request, or none; `late` gets the writes that come after all.

    `limit` is how long the EHR may take, in seconds.
    Conditions of a write are ignored, as they are by servers whose conditional create is not safe against races: that
    nothing is written twice is then the client's doing alone.
    """

    def __init__(
        self,
        app: App,
        grants: Any,
        choose: Callable[[dict[str, Any]], str | None],
        *,
        late: Callable[[Callable[[], object]], None],
        limit: float,
    ) -> None:
        self._app = app
        self._grants = grants
        self._choose = choose
        self._late = late
        self._limit = limit
        self.counted: Counter[str] = Counter()
        self.sent: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request, or fail to."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == "/fhir":
            body = self._unconditional(body)
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        fault = self._choose(environ)
        self.counted[fault or "none"] += 1
        if fault in (UNAVAILABLE, BUSY):
            return _refuse(start, fault)
        if fault == EXPIRED:
            self._expire(environ)
        if fault == PARTLY and environ["PATH_INFO"] == "/fhir":
            return self._partly(body, environ, start)
        if fault == LATE:
            self._late(partial(self._answer, dict(environ)))
            return _hang_up(environ)
        if fault in (LOST, CUT, BROKEN, SLOW):
            return self._spoiled(fault, environ, start)
        return self._app(environ, start)

    def _unconditional(self, body: bytes) -> bytes:
        bundle = json.loads(body)
        self.sent.append(str(bundle["entry"][0]["resource"]["identifier"]["value"]).removeprefix("urn:uuid:"))
        for entry in bundle["entry"]:
            entry["request"].pop("ifNoneExist", None)
        return json.dumps(bundle).encode()

    def _partly(self, body: bytes, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Write the first half of a transaction, and say of the rest that something has failed."""
        bundle = json.loads(body)
        kept = bundle["entry"][: len(bundle["entry"]) // 2]
        half = json.dumps({**bundle, "entry": kept}).encode()
        environ |= {"wsgi.input": io.BytesIO(half), "CONTENT_LENGTH": str(len(half))}
        status, headers, answer = self._answer(environ)
        told = json.loads(answer)
        if told["resourceType"] == "Bundle":
            told["entry"] += [{"response": {"status": "500"}}] * (len(bundle["entry"]) - len(kept))
        answer = json.dumps(told).encode()
        others = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start(status, [*others, ("Content-Length", str(len(answer)))])
        return [answer]

    def _expire(self, environ: dict[str, Any]) -> None:
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if live := self._grants.live_token(token):
            self._grants.revoke(token, client_id=live.grant.client_id)

    def _spoiled(self, fault: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Let the EHR do what it was asked for, and spoil the answer."""
        status, headers, body = self._answer(environ)
        if fault == LOST:
            return _hang_up(environ)
        if fault == BROKEN:
            start("502 Bad Gateway", [("Content-Type", "text/html"), ("Content-Length", "0")])
            return [b""]
        if fault == SLOW:
            Event().wait(self._limit * 1.5)
        start(status, headers)
        return _cut(environ, body) if fault == CUT else [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        said: list[Any] = []
        found = self._app(environ, lambda status, headers, *_: said.extend((status, headers)))
        body = b"".join(found)
        if callable(close := getattr(found, "close", None)):
            close()
        return said[0], said[1], body


def _refuse(start: Start, fault: str) -> list[bytes]:
    later = [("Retry-After", "1")] if fault == BUSY else []
    start("429 Too Many Requests" if fault == BUSY else "503 Unavailable", [("Content-Length", "0"), *later])
    return [b""]


def _hang_up(environ: dict[str, Any]) -> list[bytes]:
    peer: socket.socket = environ.get("gunicorn.socket") or environ["werkzeug.socket"]
    peer.shutdown(socket.SHUT_RDWR)
    return []


def _cut(environ: dict[str, Any], body: bytes) -> Iterable[bytes]:
    yield body[: len(body) // 2]
    _hang_up(environ)
