"""What every correction of whole resources or rows has: whose chart, what changes it, and who is told of it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.chart import Chart
from fhir_alliance.delivery.expected import expected_of
from fhir_alliance.delivery.outcomes import Stop
from fhir_alliance.delivery.queue import Item, Queue
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.delivery.updating import Updater
from fhir_alliance.delivery.versions import Version
from fhir_alliance.errors import EhrError
from fhir_alliance.records.corrections import correction_provenance, scored_resources
from fhir_alliance.settings import Rung

Resource = Mapping[str, Any]


class Corrective:
    """One leased correction of a form; `sent` are the versions of it that have left us before, oldest first."""

    def __init__(self, queue: Queue, item: Item, sent: Sequence[Version], access: ChartAccess) -> None:
        self._queue = queue
        self._item = item
        self._client = access.client
        self._sender = access.sender
        self._tells = access.tells
        self._whole = item.rung is Rung.OBSERVATIONS
        self._updater = Updater(queue, access.client, item, access.sender)
        expected = expected_of(orjson.dumps(sent[0].bundle))
        self._chart = Chart(access.client, fhir_base=access.fhir_base, expected=expected)

    def _check_patient(self) -> None:
        self._chart.check_patient(self._queue.patient(self._item))

    def _resources(self, version: Version) -> list[Resource]:
        """Return what a version of the form writes into the chart, a resource at a time."""
        return list(scored_resources(version.bundle) if self._whole else version.pieces or [])

    def _tell(self, targets: Sequence[str]) -> None:
        """Say once who corrected some resources and why, where that is allowed; a refusal changes nothing."""
        if not targets or not self._tells or self._queue.last_send(self._item, "provenance") is not None:
            return
        provenance = correction_provenance(
            list(targets),
            asked_by=self._item.asked_by,
            recorded=self._sender.now(),
            taken_back=self._item.kind is Kind.WITHDRAWAL,
            cause=self._item.cause,
        )
        try:
            self._sender.write("provenance", partial(self._client.create, provenance))
        except (EhrError, Stop):
            return
