"""What every correction of whole resources or rows has: whose chart, what changes it, and who is told of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.chart import Chart
from fhir_alliance.delivery.expected import expected_of
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.telling import Teller
from fhir_alliance.delivery.updating import Updater
from fhir_alliance.delivery.versions import Version
from fhir_alliance.records.corrections import scored_resources
from fhir_alliance.settings import Rung

Resource = Mapping[str, Any]


class Corrective:
    """One leased correction of a form; `sent` are the versions of it that have left us before, oldest first."""

    def __init__(self, queue: Queue, item: Item, sent: Sequence[Version], access: ChartAccess) -> None:
        self._queue = queue
        self._item = item
        self._client = access.client
        self._sender = access.sender
        self._tell = Teller(queue, item, access).tell
        self._whole = item.rung is Rung.OBSERVATIONS
        self._updater = Updater(queue, access.client, item, access.sender)
        expected = expected_of(orjson.dumps(sent[0].bundle))
        self._chart = Chart(access.client, fhir_base=access.fhir_base, expected=expected)

    def _check_patient(self) -> None:
        self._chart.check_patient(self._queue.patient(self._item))

    def _resources(self, version: Version) -> list[Resource]:
        """Return what a version of the form writes into the chart, a resource at a time."""
        return list(scored_resources(version.bundle) if self._whole else version.pieces or [])
