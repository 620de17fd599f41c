"""Reading the style document that an EHR names in a launch, from where the site allows it and without any token."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fhir_alliance.ehr.doors import Doors
from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import FhirError
from fhir_alliance.settings import EhrSettings

MAX_BYTES: Final = 16 * 1024
DEADLINE: Final = 2.0
"""Seconds: somebody waits for the first page meanwhile."""

MAX_AGE: Final = 600.0
"""Seconds for which a document counts; one that changes has another address (spec row S35)."""


class Styles:
    """The style documents of all EHRs; thread safe.

    The last document of each EHR is remembered.
    """

    def __init__(self, *, deadline: float = DEADLINE, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._doors = Doors(partial(_door, deadline))
        self._known: dict[str, tuple[str, float, Any]] = {}

    def read(self, ehr: EhrSettings, url: str) -> Any:
        """Return the document as JSON values.

        Raises ForeignUrl, before any connection, when `url` is not at one of the EHR's `style_origins`, FhirError when
        it is refused, and EhrError when no usable answer comes.
        """
        with self._lock:
            known = self._known.get(ehr.name)
        if known and known[0] == url and self._clock() - known[1] <= MAX_AGE:
            return known[2]
        reply = self._doors.of(ehr).request("GET", url)
        if not reply.ok:
            raise FhirError(reply.status, "style")
        document = reply.json()
        with self._lock:
            self._known[ehr.name] = (url, self._clock(), document)
        return document


def _door(deadline: float, ehr: EhrSettings) -> Door:
    return Door(
        base_urls=ehr.style_origins,
        allow_private=ehr.allow_private,
        deadline=deadline,
        connect=deadline / 2,
        max_bytes=MAX_BYTES,
    )
