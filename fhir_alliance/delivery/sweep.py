"""Looks again, for a day, at what is in doubt: a slow EHR may write long after it was asked."""

from collections.abc import Callable, Set
from datetime import datetime

import structlog

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.corrections import CorrectionDelivery
from fhir_alliance.delivery.deliveries import delivery_of, unsettled_by
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.outcomes import Settlement
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.scores import ScoreDelivery
from fhir_alliance.delivery.senders import Senders
from fhir_alliance.errors import AllianceError, StoreError

_AS_IT_WAS = Settlement(state=State.DELIVERED)
_log = structlog.get_logger(__name__)


class Sweep:
    """Finds what came late (F07). What is there twice a person is told of, who picks one; here nothing is written.

    What was taken back before it came is marked by its withdrawal, which goes on.
    """

    def __init__(
        self,
        queue: Queue,
        keeping: Keeping,
        senders: Senders,
        access: Callable[[Item, str, Set[str]], ChartAccess],
    ) -> None:
        self._queue = queue
        self._keeping = keeping
        self._senders = senders
        self._access = access

    def look(self, now: datetime, ehr: str | None = None) -> int:
        """Look at everything that is due for another look; returns how much that was. Raises StoreError."""
        looked = 0
        while (item := self._queue.doubtful(now, ehr)) is not None:
            if (settlement := self._look_at(item)) != _AS_IT_WAS:
                self._queue.settle(item, settlement, now)
            looked += 1
        return looked

    def _look_at(self, item: Item) -> Settlement:
        try:
            return self._senders.deliver(item, self._compare)
        except StoreError:
            raise
        except AllianceError as error:  # the next look is in an hour
            _log.warning("sweep.failed", code=error.code, ehr=item.ehr, submission=item.key)
            return _AS_IT_WAS

    def _compare(self, item: Item, token: str, scopes: Set[str]) -> Settlement:
        """Search for everything of a submission; returns where it stands now."""
        written = self._queue.versions.written_before(item.form_key, item.version)
        access, unsettled = self._access(item, token, scopes), unsettled_by(self._queue, item)
        delivery = delivery_of(self._queue, self._keeping, item, written, access, unsettled=unsettled)
        if isinstance(delivery, CorrectionDelivery | ScoreDelivery):
            return _AS_IT_WAS
        return delivery.late() or _AS_IT_WAS
