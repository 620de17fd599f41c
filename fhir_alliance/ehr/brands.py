"""Reading the brand of each EHR from where it or the site says, without any token, and only when it has changed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from fhir_alliance.ehr.brand import Brand, read_brand
from fhir_alliance.ehr.discovery import read_configuration
from fhir_alliance.ehr.doors import Doors
from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import EhrError, FhirError
from fhir_alliance.settings import EhrSettings

MAX_BYTES: Final = 4 * 1024 * 1024
DEADLINE: Final = 2.0
"""Seconds: somebody waits for the page meanwhile."""

MAX_AGE: Final = 600.0
"""Seconds for which a brand, or that there is none, is believed before it is asked about again."""

_NOT_MODIFIED: Final = 304


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What was found at `url` at a time: a brand, or why there is none; `etag` is that of its bundle."""

    at: float
    url: str = ""
    etag: str = ""
    brand: Brand | None = None
    why: EhrError | None = None


class Brands:
    """The brands of all EHRs; thread safe. A bundle is asked for again with its ETag (spec row S55)."""

    def __init__(self, *, deadline: float = DEADLINE, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._doors = Doors(partial(_door, deadline))
        self._known: dict[str, _Known] = {}

    def read(self, ehr: EhrSettings) -> Brand:
        """Return the brand of an EHR: from the bundle that it names itself, else from the site's `brand_bundle`.

        Raises EhrError with the reason when there is none: not named, at another origin, too large, not readable.
        One that was read before stays when it cannot be read again.
        """
        with self._lock:
            known = self._known.get(ehr.name)
        if known is None or self._clock() - known.at > MAX_AGE:
            known = self._look(ehr, known or _Known(at=0.0))
            with self._lock:
                self._known[ehr.name] = known
        if known.brand is None:
            raise (known.why or EhrError("no brand is named")).with_traceback(None)
        return known.brand

    def _look(self, ehr: EhrSettings, before: _Known) -> _Known:
        now = self._clock()
        try:
            url, identifier = self._source(ehr)
            return self._fetch(ehr, url, identifier, before=before, now=now)
        except EhrError as error:
            return replace(before, at=now, why=error)

    def _source(self, ehr: EhrSettings) -> tuple[str, Any]:
        """Return the address of the bundle, and by which identifier the EHR is told apart in it."""
        stated = read_configuration(self._doors.of(ehr), ehr.fhir_base)
        linked = stated.get("user_access_brand_bundle")
        if isinstance(linked, str) and _origin(linked) in _origins(ehr):
            return linked, stated.get("user_access_brand_identifier")
        if ehr.brand_bundle is None:
            raise EhrError(f"its bundle is at another origin: {_origin(linked)}" if linked else "no brand is named")
        return ehr.brand_bundle, None

    def _fetch(self, ehr: EhrSettings, url: str, identifier: Any, *, before: _Known, now: float) -> _Known:
        again = before.brand is not None and before.etag and before.url == url
        headers = {"If-None-Match": before.etag} if again else None
        reply = self._doors.of(ehr).request("GET", url, headers=headers)
        if reply.status == _NOT_MODIFIED:
            return replace(before, at=now, why=None)
        if not reply.ok:
            raise FhirError(reply.status, "brands")
        brand = read_brand(reply.json(), fhir_base=ehr.fhir_base, identifier=identifier)
        return _Known(at=now, url=url, etag=reply.headers.get("ETag", ""), brand=brand)


def _origins(ehr: EhrSettings) -> frozenset[str]:
    return frozenset(_origin(url) for url in (ehr.fhir_base, ehr.brand_bundle) if url)


def _origin(url: Any) -> str:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _door(deadline: float, ehr: EhrSettings) -> Door:
    return Door(
        base_urls=sorted(_origins(ehr)),
        allow_private=ehr.allow_private,
        deadline=deadline,
        connect=deadline / 2,
        max_bytes=MAX_BYTES,
    )
