"""Looks again, for a day, whether what was sent twice is there twice: a slow EHR may write long after it was asked."""

from collections.abc import Set
from datetime import datetime
from typing import Final

import structlog

from fhir_alliance.delivery.chart import Chart
from fhir_alliance.delivery.expected import expected_of
from fhir_alliance.delivery.outcomes import Settlement, Stop
from fhir_alliance.delivery.queue import Item, Queue
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.senders import Senders
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import AllianceError, StoreError

TWICE: Final = "possible-duplicate"
_log = structlog.get_logger(__name__)


class Sweep:
    """Tells a person of what is in the chart twice (F07); nothing is written, and nobody picks one of them."""

    def __init__(self, queue: Queue, senders: Senders, registry: Registry) -> None:
        self._queue = queue
        self._senders = senders
        self._registry = registry

    def look(self, now: datetime, ehr: str | None = None) -> int:
        """Look at everything that is due for another look; returns how much that was. Raises StoreError."""
        looked = 0
        while (item := self._queue.doubtful(now, ehr)) is not None:
            if self._is_twice(item):
                self._queue.settle(item, Settlement(state=State.HELD, reason=TWICE), now)
            looked += 1
        return looked

    def _is_twice(self, item: Item) -> bool:
        try:
            return self._senders.deliver(item, self._compare).reason == TWICE
        except StoreError:
            raise
        except AllianceError as error:  # the next look is in an hour
            _log.warning("sweep.failed", code=error.code, ehr=item.ehr, submission=item.key)
            return False

    def _compare(self, item: Item, token: str, _: Set[str]) -> Settlement:
        """Search for everything of a submission; the reason says what there is to tell about it."""
        ehr = self._registry.by_name(item.ehr)
        client = FhirClient(self._registry.door(ehr), ehr.fhir_base, token)
        chart = Chart(client, fhir_base=ehr.fhir_base, expected=expected_of(self._queue.bundle(item)))
        try:
            found = chart.find_response()
            reason = chart.read_back(found) if found else None
        except Stop as stop:
            reason = stop.reason
        return Settlement(state=State.DELIVERED, reason=reason)
