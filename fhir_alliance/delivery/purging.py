"""What is in the chart for long enough is deleted here, after it was read there once more (P10)."""

from collections.abc import Set
from datetime import datetime
from threading import Event as Signal
from typing import Final

import structlog

from fhir_alliance.delivery.chart import Chart, foreign
from fhir_alliance.delivery.expected import expected_of
from fhir_alliance.delivery.filed import page_of, says_page
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.delivery.senders import Senders
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import AllianceError, StoreError
from fhir_alliance.settings import Rung

MOST: Final = 500
"""How many submissions are looked at in one go; the rest follows with the next."""

_log = structlog.get_logger(__name__)


class ConfirmedPurge:
    """Deletes answers, pieces and patient's facts of what was delivered whole; the chart holds them, and is asked."""

    def __init__(self, queue: Queue, keeping: Keeping, senders: Senders, registry: Registry) -> None:
        self._queue = queue
        self._keeping = keeping
        self._senders = senders
        self._registry = registry

    def purge(self, now: datetime, stopping: Signal) -> int:
        """Delete what reads back as it was sent; returns how many submissions that were.

        What does not, or cannot be read with anybody's permission, stays and is looked at again a day later. Raises
        StoreError.
        """
        purged = 0
        for _ in range(MOST):
            if stopping.is_set() or (item := self._keeping.take_confirmed(now)) is None:
                break
            # What was taken back read so when it was delivered: the chart has nothing that is wanted any more.
            if item.kind is Kind.WITHDRAWAL or self._is_there(item):
                purged += self._keeping.forget(item, now)
        return purged

    def _is_there(self, item: Item) -> bool:
        try:
            return self._senders.read(item, self._look)
        except StoreError:
            raise
        except AllianceError as error:
            _log.info("purge.kept", code=error.code, ehr=item.ehr, submission=item.key)
            return False

    def _look(self, item: Item, token: str, _: Set[str]) -> bool:
        """Read the response, and of one that we wrote every score, as they were read when they were delivered.

        The scores of a response of others can be made from it again.
        """
        ehr = self._registry.by_name(item.ehr)
        if item.response_id is None or item.fhir_base not in (None, ehr.fhir_base):
            return False
        client = FhirClient(self._registry.door(ehr), ehr.fhir_base, token)
        if item.rung is Rung.DOCUMENT:
            document = client.read("DocumentReference", item.response_id)
            with foreign():
                mine = bool(document["subject"]["reference"] == f"Patient/{item.patient}")
            return mine and says_page(page_of(self._queue, item), document)
        if item.harvested_version is not None:
            response = client.read("QuestionnaireResponse", item.response_id)
            with foreign():
                return bool(response["subject"]["reference"] == f"Patient/{item.patient}")
        Chart(client, fhir_base=ehr.fhir_base, expected=expected_of(self._queue.bundle(item))).read_back(
            item.response_id
        )
        return True
