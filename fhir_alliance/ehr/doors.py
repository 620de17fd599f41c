"""Doors beside the one to an EHR's records, so that what comes through them never waits for, or delays, a chart."""

import threading
from collections.abc import Callable

from fhir_alliance.ehr.http import Door
from fhir_alliance.settings import EhrSettings


class Doors:
    """One door for each EHR, made by `make` when it is first needed; thread safe."""

    def __init__(self, make: Callable[[EhrSettings], Door]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._doors: dict[str, Door] = {}

    def of(self, ehr: EhrSettings) -> Door:
        """Return the door of an EHR."""
        with self._lock:
            if ehr.name not in self._doors:
                self._doors[ehr.name] = self._make(ehr)
            return self._doors[ehr.name]
