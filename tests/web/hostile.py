"""An EHR that answers wrongly where a test wants it to, and a listener that must never hear anything."""

import base64
import gzip
import itertools
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from werkzeug.wrappers import Request, Response

from .house import House

WORDS = "MALLORY WAS HERE"
"""What a hostile answer says; no page of ours, and no line of the log, may repeat it."""

Answer = Callable[[Response, str], Response]
"""Turns the EHR's right answer into a wrong one; the text is the address of the listener."""

_KEY = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
_HEADER = {"alg": "RS256", "kid": _KEY.kid}
_SECRETS = ("access_token", "refresh_token", "id_token", "code", "code_verifier", "client_assertion")


class Sink:
    """A listener that notes every connection and answers none."""

    def __init__(self) -> None:
        self.heard = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = Thread(target=self._listen)

    def _listen(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if connection.recv(4) == b"stop":
                    return
                self.heard += 1

    @contextmanager
    def open(self) -> Iterator["Sink"]:
        """Listen until the block ends."""
        self._thread.start()
        try:
            yield self
        finally:
            with socket.create_connection(self._socket.getsockname()) as last:
                last.sendall(b"stop")
            self._thread.join()
            self._socket.close()


class Mallory:
    """In front of a house's EHR: what it is told to answer is by the beginning of a path, all else goes through.

    `secrets` are the codes, proofs and tokens that went by at the token endpoint.
    """

    def __init__(self, house: House, sink: Sink) -> None:
        self._answers: Mapping[str, Answer] = {}
        self.secrets: set[str] = set()
        self._sink = sink
        self._app = house.ehr.wsgi_app
        house.ehr.wsgi_app = self  # type: ignore[method-assign]  # as Flask's own documentation has it

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        """Answer one request (WSGI)."""
        request = Request(environ)
        wrong = next((answer for begin, answer in self._answers.items() if request.path.startswith(begin)), None)
        if request.path == "/auth/token":
            right = self._noted(request)
        elif wrong is None:
            return self._app(environ, start)
        else:
            right = Response.from_app(self._app, environ)
        return (wrong(right, self._sink.url) if wrong else right)(environ, start)

    @contextmanager
    def answering(self, answers: Mapping[str, Answer]) -> Iterator[None]:
        """Answer so until the block ends."""
        self._answers = answers
        try:
            yield
        finally:
            self._answers = {}

    def _noted(self, request: Request) -> Response:
        body = request.get_data()
        request.environ["wsgi.input"] = BytesIO(body)
        sent = dict(parse_qsl(body.decode()))
        right = Response.from_app(self._app, request.environ)
        for values in (sent, json.loads(right.get_data())):
            self.secrets |= {str(values[name]) for name in _SECRETS if name in values}
        return right


def says(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    """Answer this instead; "{sink}" in a header is the listener."""

    def answer(right: Response, sink: str) -> Response:
        named = {name.replace("_", "-"): value.format(sink=sink) for name, value in headers.items()}
        return Response(body, status, {"Content-Type": "application/json", **named})

    return answer


def away(status: int) -> Answer:
    """Answer with a redirect to the listener."""
    return says("", status, Location="{sink}/x")


def bomb() -> Answer:
    """Answer a hundred megabytes in a few kilobytes."""
    return says(gzip.compress(b" " * 100_000_000, 9), Content_Encoding="gzip")


def drip() -> Answer:
    """Answer a space at a time, without end."""
    return lambda right, sink: Response(itertools.repeat(b" "), 200, {"Content-Type": "application/json"})


def changed(**members: Any) -> Answer:
    """Answer the right JSON with members replaced; `...` leaves one out, "{sink}" in a text is the listener."""

    def answer(right: Response, sink: str) -> Response:
        value = {**json.loads(right.get_data()), **members}
        kept = {name: part for name, part in value.items() if part is not ...}
        body = json.dumps(kept).replace("{sink}", sink)
        return Response(body, right.status_code, {"Content-Type": "application/json"})

    return answer


def with_another(resource: dict[str, Any]) -> Answer:
    """Answer the right Bundle with one more match."""

    def answer(right: Response, sink: str) -> Response:
        value = json.loads(right.get_data())
        value["entry"].append({"resource": resource, "search": {"mode": "match"}})
        return Response(json.dumps(value), 200, {"Content-Type": "application/json"})

    return answer


def repeated(**members: Any) -> Answer:
    """Answer the right Bundle with its first match once more, under another id and with members replaced."""

    def answer(right: Response, sink: str) -> Response:
        value = json.loads(right.get_data())
        value["entry"].append(
            {**value["entry"][0], "resource": {**value["entry"][0]["resource"], "id": "x", **members}}
        )
        return Response(json.dumps(value), 200, {"Content-Type": "application/json"})

    return answer


def dated(date: str) -> Answer:
    """Answer rightly, at another time."""

    def answer(right: Response, sink: str) -> Response:
        right.headers["Date"] = date
        return right

    return answer


def signed(*, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, Answer]:
    """Sign the id_token with a key that is published, but with wrong claims or headers; `...` and "{sink}" as above."""

    def answer(right: Response, sink: str) -> Response:
        value = json.loads(right.get_data())
        told = {**json.loads(_decoded(value["id_token"].split(".")[1])), **claims}
        kept = {name: part for name, part in told.items() if part is not ...}
        parts = [json.dumps(part).replace("{sink}", sink) for part in ({**_HEADER, **(header or {})}, kept)]
        value["id_token"] = _signed(*map(json.loads, parts))
        return Response(json.dumps(value), 200, {"Content-Type": "application/json"})

    return {"/auth/token": answer, "/auth/jwks": says(json.dumps(KeySet([_KEY]).as_dict(private=False)))}


def _signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    if header["alg"] == "none":
        return f"{_encoded(header)}.{_encoded(claims)}."
    key = OctKey.import_key(base64.b64encode(_KEY.as_pem(private=False))) if header["alg"] == "HS256" else _KEY
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(f"{part}==")


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
