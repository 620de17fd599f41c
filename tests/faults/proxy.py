"""An HTTP proxy on loopback before an EHR: what is ordered for a request happens to it, the rest goes through."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

Reply = tuple[int, dict[str, str], bytes]
_HOP: frozenset[str] = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


def nothing() -> None:
    """Do nothing at this point."""


def unchanged(reply: Reply) -> Reply | None:
    """Answer as the EHR does."""
    return reply


@dataclass(kw_only=True)
class Order:
    """What happens to the next requests of a method whose path holds a part.

    `before` is called when one has come, `after` when the EHR has answered; either may wait, or end a process.
    Without `forward` the EHR never hears of it. `reply` makes another answer of the EHR's own, None closes the
    connection instead; `cut` sends only half of the body.
    """

    method: str
    part: str
    times: int = 1
    before: Callable[[], object] = nothing
    forward: bool = True
    after: Callable[[], object] = nothing
    reply: Callable[[Reply], Reply | None] = field(default=unchanged)
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request that came."""

    method: str
    path: str
    body: bytes = field(repr=False)


def lost(_: Reply) -> None:
    """Make no answer of the EHR's: the connection closes."""


def answering(
    status: int, body: bytes = b"", content_type: str = "application/fhir+json", **headers: str
) -> Callable[[Reply], Reply]:
    """Return what answers this, whatever the EHR has said; underscores in names of headers become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (status, {"Content-Type": content_type, **named}, body)


class Proxy:
    """Listens on one port of 127.0.0.1 and passes on to another; `seen` is all that came, `most` how much at a time."""

    def __init__(self, port: int, target: int) -> None:
        self.seen: list[Seen] = []
        self.most = 0
        self._orders: list[Order] = []
        self._port = port
        self._target = target
        self._now = 0
        self._lock = Lock()
        self.open()

    def open(self) -> None:
        """Listen."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Refuse every connection from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def order(self, method: str, part: str, **how: object) -> None:
        """Let something happen to the next requests of a kind; orders are served in the order they were given."""
        with self._lock:
            self._orders.append(Order(method=method, part=part, **how))  # type: ignore[arg-type]  # names are checked there

    def posts(self, part: str = "/fhir") -> list[Seen]:
        """Return the POSTs that came for a path."""
        return [each for each in self.seen if each.method == "POST" and part in each.path]

    def take(self, seen: Seen) -> Order:
        """Write down a request and return what is ordered for it."""
        with self._lock:
            self.seen.append(seen)
            for order in self._orders:
                if order.times and order.method == seen.method and order.part in seen.path:
                    order.times -= 1
                    return order
        return Order(method=seen.method, part="")

    def count(self, step: int) -> None:
        """Count how many deliveries' requests to write are under way."""
        with self._lock:
            self._now += step
            self.most = max(self.most, self._now)

    def ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> Reply:
        """Pass a request on and return the answer."""
        connection = HTTPConnection("127.0.0.1", self._target, timeout=30)
        try:
            connection.request(handler.command, handler.path, body or None, dict(handler.headers.items()))
            reply: HTTPResponse = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        writes = self.command != "GET" and "/fhir" in self.path
        self.proxy.count(writes)
        try:
            order = self.proxy.take(Seen(method=self.command, path=self.path, body=body))
            order.before()
            found = self.proxy.ask(self, body) if order.forward else (503, {}, b"")
            order.after()
            if (reply := order.reply(found)) is not None:
                self._answer(reply, cut=order.cut)
        finally:
            self.proxy.count(-writes)

    def _answer(self, reply: Reply, *, cut: bool) -> None:
        status, headers, body = reply
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        try:
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
        except (BrokenPipeError, ConnectionResetError):
            return  # whoever asked has been ended

    do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815  # named by http.server

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""
