"""One hardened door: every request to an EHR leaves through here."""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
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
    ) -> Reply:
        """Send one request and read its whole answer within the deadline (seconds) and the byte cap.

        Raises ForeignUrl before any connection when `url` is not under a base URL of this door, and on connection
        when the peer is private though the site did not allow it; EhrUnreachable when no usable answer came (whether
        a write happened is then unknown); NotSent when the EHR is left alone, so that nothing happened; EhrError for a
        redirect, which is never followed. 304 is an answer, to a request with If-None-Match only.
        """
        if not any(is_under(url, base) for base in self._base_urls):
            raise ForeignUrl("not under an address of the registered EHR")
        request = requests.Request(
            method,
            url,
            params=params if params is None or isinstance(params, Mapping) else list(params),
            data=form if body is None else body,
            headers={**_HEADERS, **(headers or {}), **_authorization(token)},
        )
        with self._breaker.passage() as passage:
            reply = self._send(request.prepare(), passage)
        unchanged = reply.status == codes.not_modified and "If-None-Match" in request.headers
        if 300 <= reply.status < 400 and not unchanged:
            raise EhrError(f"redirect refused (HTTP {reply.status})")
        return reply

    def _send(self, request: requests.PreparedRequest, passage: Passage) -> Reply:
        try:
            response = self._answer(request)
            passage.answered = response.status_code < 500
            with closing(response):
                body = self._read(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            passage.answered = False
            # `from None`: the chain would carry the request, and with it the token
            raise EhrUnreachable(type(error).__name__) from None
        return Reply(status=response.status_code, headers=CaseInsensitiveDict(response.headers), body=body)

    def _answer(self, request: requests.PreparedRequest) -> requests.Response:
        end = time.monotonic() + self._deadline
        try:
            return self._ask(request, self._deadline)
        except requests.ConnectionError as error:
            left = end - time.monotonic()
            if request.method != "GET" or left <= 0 or not _is_closed(error):
                raise
        return self._ask(request, left)

    def _ask(self, request: requests.PreparedRequest, seconds: float) -> requests.Response:
        timeout = Timeout(connect=self._connect, total=seconds)
        return self._adapter.send(request, stream=True, timeout=timeout)  # type: ignore[arg-type]  # stubs lag

    def _read(self, response: requests.Response) -> bytes:
        """Read the body, counting bytes after decompression: servers compress although we ask them not to."""
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > self._max_bytes:
                raise EhrUnreachable("the answer is too large")
        return bytes(body)


def _is_closed(error: requests.ConnectionError) -> bool:
    """Whether the connection had been there and ended without a byte of an answer."""
    return bool(error.args) and isinstance(error.args[0], ProtocolError)


def _authorization(token: str | None) -> dict[str, str]:
    if token is None:
        return {}
    if not _BEARER.fullmatch(token):
        raise EhrError("the access token cannot be sent in a header")
    return {"Authorization": f"Bearer {token}"}
