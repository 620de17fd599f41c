"""Who is told of a correction: a Provenance beside what was corrected, once, where it may be written."""

from collections.abc import Sequence
from functools import partial

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.outcomes import Stop
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.errors import EhrError
from fhir_alliance.records.corrections import correction_provenance

_STEP = "provenance"


class Teller:
    """Tells a chart of one leased correction."""

    def __init__(self, queue: Queue, item: Item, access: ChartAccess) -> None:
        self._queue = queue
        self._item = item
        self._access = access

    def tell(self, targets: Sequence[str]) -> None:
        """Say once who corrected some resources and why, where that is allowed; a refusal changes nothing."""
        if not targets or not self._access.tells or self._queue.last_send(self._item, _STEP) is not None:
            return
        sender = self._access.sender
        provenance = correction_provenance(
            list(targets),
            asked_by=self._item.asked_by,
            recorded=sender.now(),
            taken_back=self._item.kind is Kind.WITHDRAWAL,
            cause=self._item.cause,
        )
        try:
            sender.write(_STEP, partial(self._access.client.create, provenance))
        except (EhrError, Stop):
            return
