"""What is asked of an EHR for a bulk export: kick-off, status with patience, files, and its end (spec rows B01-B04)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import urljoin

from fhir_alliance.cohort.manifest import BulkFile, Manifest, read_manifest
from fhir_alliance.ehr.addresses import address
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.breaker import Breaker
from fhir_alliance.ehr.clocks import http_date
from fhir_alliance.ehr.http import Door, Reply, Stream
from fhir_alliance.ehr.outcomes import refusal_of, refused
from fhir_alliance.errors import EhrUnreachable, ExportFailed, ExportUnknown, FhirError, ForeignUrl, NotSent
from fhir_alliance.settings import EhrSettings

MAX_FILE: Final = 4 * 1024**3
FILE_SECONDS: Final = 3600.0
_FIRST_WAIT: Final = timedelta(seconds=2)
_LONGEST_WAIT: Final = timedelta(minutes=5)
_BUSY: Final = (429, 503)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """The present, a way to wait some seconds, and how long an export may take in all."""

    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    longest: timedelta = timedelta(hours=12)


class BulkServer:
    """The bulk export of one EHR, asked with the app's own token, which goes to the EHR's own origin only.

    Files elsewhere are fetched from the origins in `files_at` alone, without a token (T03-T06). An answer that says
    "not now" is waited for: by its Retry-After, else twice as long each time, until the patience ends.
    """

    def __init__(
        self, ehr: EhrSettings, tokens: BackendTokens, patience: Patience, files_at: Sequence[str] = ()
    ) -> None:
        self._ehr = ehr
        self._tokens = tokens
        self._patience = patience
        self._until = patience.clock() + patience.longest
        own, seconds = [_origin(ehr.fhir_base)], ehr.answer.total_seconds()
        self._door = self._open(own, seconds)
        self._files = self._open(own, FILE_SECONDS)
        self._elsewhere = self._open(files_at, FILE_SECONDS)

    def _open(self, origins: Sequence[str], seconds: float) -> Door:
        breaker = Breaker(lambda: self._patience.clock().timestamp())
        return Door(base_urls=origins, allow_private=self._ehr.allow_private, deadline=seconds, breaker=breaker)

    def kick_off(self, group: str, params: Sequence[tuple[str, str]]) -> str:
        """Ask for the export of a group; return the address of its status. An unknown outcome is not asked about again.

        Raises FhirError when the EHR refuses, ExportUnknown when its answer was lost, ExportFailed when it answers
        anything but 202 with such an address, ForeignUrl when that is at another origin.
        """
        url = f"{self._ehr.fhir_base}/Group/{group}/$export"
        headers = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
        self._tokens.token(self._ehr)  # where that fails nothing has been asked for
        try:
            reply = self._patiently(url, headers, params, once=True)
        except EhrUnreachable as error:
            raise ExportUnknown(f"no answer came to the kick-off ({error.detail})") from None
        if reply.status != 202:
            raise ExportFailed(f"the EHR answered HTTP {reply.status} instead of beginning an export")
        where = reply.headers.get("Content-Location")
        if not where:
            raise ExportFailed("the EHR does not say where the export can be asked about")
        status = urljoin(url, where)
        if _origin(status) != _origin(self._ehr.fhir_base):
            raise ForeignUrl("the status of the export is at another origin")
        return status

    def wait(self, status: str) -> Manifest:
        """Ask at the status address until the export is complete; return its manifest.

        Raises FhirError when it has failed or is not known any more, ExportFailed when it takes too long or its
        manifest cannot be used.
        """
        waits = _waits()
        while (reply := self._patiently(status, {"Accept": "application/json"})).status == 202:
            self._rest(reply.headers.get("Retry-After"), next(waits))
        if "json" not in reply.headers.get("Content-Type", "").partition(";")[0]:
            raise ExportFailed("the manifest is not JSON by its Content-Type")
        return read_manifest(reply.json(), url=status)

    def take(self, file: BulkFile, use: Callable[[Iterator[bytes]], T], *, requires_token: bool) -> T:
        """Give the bytes of a file of the manifest to `use`, and return what that makes of them.

        The token goes along only when the manifest says so, and only to the EHR. A file that is cut off is asked for
        again, from its beginning, at most three times in all. Raises ForeignUrl before any connection when the file is
        nowhere it may be, FhirError when it is refused, EhrUnreachable.
        """
        waits = _waits()
        for last in (False, False, True):
            self._check_time()
            try:
                with self._opened(file, requires_token=requires_token) as stream:
                    if not 200 <= stream.status < 300:
                        raise refusal_of(stream.status, retry_after=stream.headers.get("Retry-After"))
                    return use(stream.chunks)
            except (EhrUnreachable, NotSent, FhirError) as error:
                if last or (isinstance(error, FhirError) and error.status not in _BUSY):
                    raise
                self._rest(error.retry_after if isinstance(error, FhirError) else None, next(waits))
        raise AssertionError("the last attempt returns or raises")

    def end(self, status: str) -> None:
        """Tell the EHR that the export is not needed any more; raises FhirError unless it says yes or knows of none."""
        door = self._open([_origin(status)], self._ehr.answer.total_seconds())  # not held up by how it answered before
        reply = self._with_token(lambda token: door.request("DELETE", status, token=token))
        if not reply.ok and reply.status not in (404, 410):
            refused(reply)

    def _opened(self, file: BulkFile, *, requires_token: bool) -> AbstractContextManager[Stream]:
        headers = {"Accept": "application/fhir+ndjson"}
        if _origin(file.url) == _origin(self._ehr.fhir_base):
            token = self._tokens.token(self._ehr).access_token if requires_token else None
            return self._files.stream(file.url, token=token, headers=headers, max_bytes=MAX_FILE)
        if requires_token:
            raise ForeignUrl("a file that wants our token is not at the EHR's own origin")
        return self._elsewhere.stream(file.url, headers=headers, max_bytes=MAX_FILE)

    def _patiently(
        self, url: str, headers: dict[str, str], params: Sequence[tuple[str, str]] = (), *, once: bool = False
    ) -> Reply:
        """Ask until there is an answer that is neither "too busy" nor, unless `once`, none at all."""
        waits = _waits()
        while True:
            self._check_time()
            again: str | None = None
            try:
                reply = self._with_token(
                    lambda token: self._door.request("GET", url, token=token, headers=headers, params=params, once=once)
                )
                if reply.status not in _BUSY:
                    return reply if reply.ok else refused(reply)
                again = reply.headers.get("Retry-After")
            except EhrUnreachable:
                if once:
                    raise
            except NotSent:
                pass
            self._rest(again, next(waits))

    def _with_token(self, ask: Callable[[str], Reply]) -> Reply:
        """Ask with our token, with a new one when the EHR has just refused it."""
        token = self._tokens.token(self._ehr).access_token
        reply = ask(token)
        return ask(self._tokens.token(self._ehr, rejected=token).access_token) if reply.status == 401 else reply

    def _rest(self, retry_after: str | None, usual: timedelta) -> None:
        asked = _seconds(retry_after, self._patience.clock()) if retry_after else None
        wait = min(max(asked if asked is not None else usual, timedelta(seconds=1)), _LONGEST_WAIT)
        if self._patience.clock() + wait >= self._until:
            raise ExportFailed("the EHR did not finish in time")
        self._patience.pause(wait.total_seconds())

    def _check_time(self) -> None:
        if self._patience.clock() >= self._until:
            raise ExportFailed("the EHR did not finish in time")


def _waits() -> Iterator[timedelta]:
    wait = _FIRST_WAIT
    while True:
        yield wait
        wait = min(wait * 2, _LONGEST_WAIT)


def _seconds(retry_after: str, now: datetime) -> timedelta | None:
    """Return what a Retry-After asks for, in seconds or as a date (RFC 9110); None when it is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return timedelta(seconds=min(int(retry_after[:9]), 86400))
    at = http_date(retry_after)
    return at - now if at else None


def _origin(url: str) -> str:
    """Return the origin of a plain address, "" of one that could be read in two ways."""
    found = address(url)
    if found is None:
        return ""
    host = f"[{found.host}]" if ":" in found.host else found.host
    return f"{found.scheme}://{host}:{found.port}"
