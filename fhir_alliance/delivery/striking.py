"""Taking back a form of which nobody knows what is in the chart: all that is found there is marked (F34)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.corrective import Corrective
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.outcomes import LATE, NOT_READ_BACK, Settlement, Stop
from fhir_alliance.delivery.parts import QUIET_TIMES
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import GONE_FROM_CHART, State
from fhir_alliance.delivery.traces import RowTraces, Traces, WholeTraces
from fhir_alliance.delivery.versions import Version
from fhir_alliance.errors import FhirError
from fhir_alliance.records.corrections import STRUCK

_GONE: Final = frozenset({404, 410})

Resource = Mapping[str, Any]


class StrikingDelivery(Corrective):
    """The steps for one leased withdrawal; `sent` are the versions of its form of which anything has left us.

    Nothing is created but a Provenance. What the EHR or somebody else has changed is marked too, and keeps their text:
    in the chart of the wrong person it harms as it stands.
    """

    def __init__(self, queue: Queue, item: Item, sent: Sequence[Version], access: ChartAccess) -> None:
        super().__init__(queue, item, sent, access)
        everything = [each for version in sent for each in self._resources(version)]
        # All versions of a form share their identifiers.
        self._ours = list({orjson.dumps(each["identifier"]): each for each in everything}.values())
        chart, client = self._chart, access.client
        self._traces: Traces = WholeTraces(chart) if self._whole else RowTraces(client, chart, everything)

    def run(self) -> Settlement:
        """Mark all that is found; returns DELIVERED, raises Stop or the EHR's error.

        While something that was sent may yet come, it is looked for again (F07).
        """
        self._check_patient()
        looks = [self._traces.of(each) for each in self._ours]
        found = {f"{each['resourceType']}/{each['id']}": each for look in looks for each in look}
        left = [(place, each) for place, each in found.items() if each.get("status") != STRUCK]
        strange = {place: why for place, each in left if (why := self._traces.stranger(each))}
        mine = {place: each for place, each in found.items() if place not in strange}
        stops = [self._strike(f"{self._item.kind}-{number}", each) for number, each in enumerate(mine.values(), 1)]
        if stop := next(filter(None, stops), None):
            raise stop
        if strange:
            # What is not ours, or stands in somebody else's chart, a person has to mark (F21).
            raise Stop(State.HELD, next(iter(strange.values())))
        if not all(looks) and self._may_come():
            raise Stop(State.UNKNOWN, NOT_READ_BACK)
        self._tell(list(mine))
        return Settlement(state=State.DELIVERED)

    def late(self) -> Settlement | None:
        """Return what to settle when something unmarked has come after all, None when not; raises as `run` does."""
        found = [each for ours in self._ours for each in self._traces.of(ours) if each.get("status") != STRUCK]
        return LATE if found else None

    def _may_come(self) -> bool:
        sent_at = self._queue.versions.last_sent(self._item.form_key, self._item.version)
        return sent_at is not None and self._sender.may_come(sent_at, times=QUIET_TIMES)

    def _strike(self, step: str, theirs: Resource) -> Stop | None:
        """Mark one resource unless it is marked; returns why that has to wait, so that the others do not wait too."""
        if theirs.get("status") == STRUCK:
            return None
        try:
            self._updater.strike(step, theirs)
            now = self._client.read(theirs["resourceType"], theirs["id"])
        except Stop as stop:
            return None if stop.reason == GONE_FROM_CHART else stop
        except FhirError as error:
            if error.status not in _GONE:
                raise
            return None
        return None if now.get("status") == STRUCK else self._sender.not_read_back(step)
