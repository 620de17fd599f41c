"""One hardened door: every request to an EHR leaves through here."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from requests import codes
from requests.structures import CaseInsensitiveDict
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ProtocolError

from fhir_alliance.ehr.addresses import is_under
from fhir_alliance.ehr.breaker import Availability, Breaker, Passage
from fhir_alliance.ehr.sockets import EhrAdapter
from fhir_alliance.errors import EhrError, EhrUnreachable, ForeignUrl
from fhir_alliance.strict_json import strict_json

MAX_BYTES: Final = 4 * 1024 * 1024
_CHUNK = 64 * 1024
_BEARER = re.compile(r"[!-~]+")  # RFC 6750 section 2.1 allows less; this is what a header can carry
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "fhir-alliance"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer of the EHR, complete: nothing of it is still on the wire."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the EHR said yes (2xx)."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the body as plain JSON values; raises EhrUnreachable when it is not strict JSON in UTF-8."""
        try:
            return strict_json(self.body)
        except ValueError:
            raise EhrUnreachable("malformed") from None


@dataclass(frozen=True, kw_only=True)
class Stream:
    """An answer of the EHR that is still on the wire: `chunks` are its body, to be taken once and in order."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    chunks: Iterator[bytes] = field(repr=False)


class Door:
    """The connections to one EHR; thread safe.

    There is no requests.Session here on purpose: a session reads `.netrc` and proxy variables, keeps cookies and
    reads ahead on redirects. No write is retried: whether one may be sent again is decided by who knows it. A read is
    sent once more when the EHR had closed the connection meanwhile, as servers do with those that they kept open.
    An EHR that does not answer is left alone for a while, and none takes more than its share of our threads.
    """

    def __init__(
        self,
        *,
        base_urls: Sequence[str],
        allow_private: bool,
        deadline: float = 30.0,
        connect: float = 3.0,
        max_bytes: int = MAX_BYTES,
        breaker: Breaker | None = None,
    ) -> None:
        self._base_urls = tuple(base_urls)
        self._deadline = deadline
        self._connect = connect
        self._max_bytes = max_bytes
        self._adapter = EhrAdapter(allow_private=allow_private)
        self._breaker = breaker or Breaker(time.monotonic)

    @property
    def availability(self) -> Availability:
        """How the EHR has been answering."""
        return self._breaker.availability

    def request(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        params: Sequence[tuple[str, str]] | Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Reply:
        """Send one request and read its whole answer within the deadline (seconds) and the byte cap.

        With `once` not even a GET is sent again: it begins something at the EHR.

        Raises ForeignUrl before any connection when `url` is not under a base URL of this door, and on connection
        when the peer is private though the site did not allow it; EhrUnreachable when no usable answer came (whether
        a write happened is then unknown); NotSent when the EHR is left alone, so that nothing happened; EhrError for a
        redirect, which is never followed. 304 is an answer, to a request with If-None-Match only.
        """
        request = self._prepared(method, url, token, headers, params=params, data=form if body is None else body)
        with self._breaker.passage() as passage:
            reply = self._send(request, passage, once=once or request.method != "GET")
        if reply.status != codes.not_modified or "If-None-Match" not in request.headers:
            _refuse_redirect(reply.status)
        return reply

    @contextmanager
    def stream(
        self, url: str, *, max_bytes: int, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Stream]:
        """GET an answer that is too large to be held at once; the deadline is for all of it, `max_bytes` its own cap.

        Raises what `request` raises, while its chunks are taken as well: what was taken before that is no answer.
        """
        request = self._prepared("GET", url, token, headers)
        with self._breaker.passage() as passage:
            with _usable(passage):
                response = self._answer(request, once=False)
            passage.answered = response.status_code < 500
            with closing(response):
                _refuse_redirect(response.status_code)
                chunks = _chunks(response, passage, max_bytes)
                yield Stream(status=response.status_code, headers=CaseInsensitiveDict(response.headers), chunks=chunks)

    def _prepared(
        self, method: str, url: str, token: str | None, headers: Mapping[str, str] | None, **content: Any
    ) -> requests.PreparedRequest:
        if not any(is_under(url, base) for base in self._base_urls):
            raise ForeignUrl("not under an address of the registered EHR")
        sent = {**_HEADERS, **(headers or {}), **_authorization(token)}
        return requests.Request(method, url, headers=sent, **content).prepare()

    def _send(self, request: requests.PreparedRequest, passage: Passage, *, once: bool) -> Reply:
        with _usable(passage):
            response = self._answer(request, once=once)
        passage.answered = response.status_code < 500
        with closing(response):
            body = b"".join(_chunks(response, passage, self._max_bytes))
        return Reply(status=response.status_code, headers=CaseInsensitiveDict(response.headers), body=body)

    def _answer(self, request: requests.PreparedRequest, *, once: bool) -> requests.Response:
        end = time.monotonic() + self._deadline
        try:
            return self._ask(request, self._deadline)
        except requests.ConnectionError as error:
            left = end - time.monotonic()
            if once or left <= 0 or not _is_closed(error):
                raise
        return self._ask(request, left)

    def _ask(self, request: requests.PreparedRequest, seconds: float) -> requests.Response:
        timeout = Timeout(connect=self._connect, total=seconds)
        return self._adapter.send(request, stream=True, timeout=timeout)  # type: ignore[arg-type]  # stubs lag


@contextmanager
def _usable(passage: Passage) -> Iterator[None]:
    """Turn whatever goes wrong on the wire into EhrUnreachable, and tell the breaker."""
    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        passage.answered = False
        # `from None`: the chain would carry the request, and with it the token
        raise EhrUnreachable(type(error).__name__) from None


def _chunks(response: requests.Response, passage: Passage, max_bytes: int) -> Iterator[bytes]:
    """Yield the body, counting bytes after decompression: servers compress although we ask them not to."""
    count = 0
    with _usable(passage):
        for chunk in response.iter_content(_CHUNK):
            count += len(chunk)
            if count > max_bytes:
                raise EhrUnreachable("the answer is too large")
            yield chunk


def _refuse_redirect(status: int) -> None:
    if 300 <= status < 400:
        raise EhrError(f"redirect refused (HTTP {status})")


def _is_closed(error: requests.ConnectionError) -> bool:
    """Whether the connection had been there and ended without a byte of an answer."""
    return bool(error.args) and isinstance(error.args[0], ProtocolError)


def _authorization(token: str | None) -> dict[str, str]:
    if token is None:
        return {}
    if not _BEARER.fullmatch(token):
        raise EhrError("the access token cannot be sent in a header")
    return {"Authorization": f"Bearer {token}"}
