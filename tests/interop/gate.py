"""A door in front of another server: everything goes through it unchanged, and a test may act before a request."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

_HOP = frozenset({"connection", "transfer-encoding", "content-length", "date", "server"})


@dataclass(frozen=True, kw_only=True)
class Passed:
    """One request that went through, and how it was answered."""

    method: str
    path: str
    token: str
    body: bytes
    status: int


class Gate:
    """Forwards to the server at `port`; calls `before` with method and path first, and notes what `passed`."""

    def __init__(self, port: int) -> None:
        self.before: Callable[[str, str], None] = lambda method, path: None
        self.passed: list[Passed] = []
        self.behind = f"http://127.0.0.1:{port}"
        handler = type("Handler", (_Handler,), {"gate": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def outlive(self, token: str) -> None:
        """Return when the server behind no longer accepts a token."""
        headers = {"Authorization": f"Bearer {token}"}
        while requests.get(f"{self.behind}/fhir/Patient?_count=1", headers=headers, timeout=10).status_code != 401:
            threading.Event().wait(0.1)

    def calls(self, since: int = 0) -> list[tuple[str, str, int]]:
        """Return method, path and status of what went through."""
        return [(one.method, one.path.partition("?")[0], one.status) for one in self.passed[since:]]

    @contextmanager
    def open(self) -> Iterator["Gate"]:
        """Forward until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    gate: Gate
    protocol_version = "HTTP/1.1"

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.gate.before(self.command, self.path)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        reply = requests.request(self.command, f"{self.gate.behind}{self.path}", data=body, headers=kept, timeout=30)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.gate.passed.append(
            Passed(method=self.command, path=self.path, token=token, body=body, status=reply.status_code)
        )
        self.send_response(reply.status_code)
        for name, value in reply.headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.content)

    do_GET = do_POST = do_PUT = forward  # noqa: N815  # named by http.server

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""
