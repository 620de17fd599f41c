"""A connection that stays open, as a browser's does, and costs next to nothing: what is measured is the server."""

import socket
from urllib.parse import urlencode, urlsplit

from tests.prepared import Reviewed

_END = b"\r\n\r\n"


def request_of(form: Reviewed, page: str, app_url: str) -> bytes:
    """Return the request that sends a form's fields to a page of its launch, ready to be written."""
    body = urlencode(dict(form.fields))
    lines = (
        f"POST /l/{form.handle}/{page} HTTP/1.1",
        f"Host: {urlsplit(app_url).netloc}",
        "User-Agent: bench",
        "Accept: */*",
        "Accept-Encoding: gzip",
        "Accept-Language: en",
        f"Cookie: {form.cookie}",
        f"Origin: {app_url}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    return "\r\n".join(lines).encode()


class Wire:
    """One client's connection."""

    def __init__(self, app_url: str) -> None:
        address = urlsplit(app_url)
        self._socket = socket.create_connection((address.hostname, address.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> int:
        """Send a request and read the whole reply; returns its status."""
        self._socket.sendall(request)
        head, _, body = self._more(b"").partition(_END)
        while b"content-length: " in head.lower() and len(body) < _length(head):
            body += self._socket.recv(65536)
        return int(head[9:12])

    def _more(self, read: bytes) -> bytes:
        while _END not in read:
            if not (more := self._socket.recv(65536)):
                raise ConnectionError("the server has closed the connection")
            read += more
        return read

    def close(self) -> None:
        """Leave."""
        self._socket.close()


def _length(head: bytes) -> int:
    return int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
