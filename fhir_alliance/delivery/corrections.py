"""A correction's way into the chart: what we wrote, and only that, becomes what it has to be (F17, F33, F34)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import orjson

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.chart import foreign
from fhir_alliance.delivery.corrective import Corrective
from fhir_alliance.delivery.expected import labels_of
from fhir_alliance.delivery.found import Finder, RowFinder, WholeFinder
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.outcomes import Settlement, Stop
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import CHANGED_IN_CHART, GONE_FROM_CHART, Kind, State
from fhir_alliance.delivery.versions import Version
from fhir_alliance.errors import FhirError
from fhir_alliance.records.corrections import (
    Change,
    changed,
    changes_of,
    scored_resources,
)

_GONE: Final = frozenset({404, 410})

Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One change with what the chart has of it now, None when it has nothing and we wrote nothing."""

    name: str
    change: Change
    theirs: Resource | None = field(repr=False)


class CorrectionDelivery(Corrective):
    """The steps for one leased correction of a form that the chart has taken; `written` are its versions there."""

    def __init__(self, queue: Queue, item: Item, written: Sequence[Version], access: ChartAccess) -> None:
        super().__init__(queue, item, written, access)
        self._taken_back = item.kind is Kind.WITHDRAWAL
        self._changes = changes_of(list(map(self._resources, written)), self._after())
        response_id = next((each.response_id for each in written if each.response_id), None)
        client = access.client
        self._finder: Finder = WholeFinder(client, self._chart, response_id) if self._whole else RowFinder(client)

    def run(self) -> Settlement:
        """Correct every resource, each once, and read them back; returns DELIVERED, raises Stop or the EHR's error.

        All are looked at before the first is written, so that somebody else's change leaves them all as they are.
        """
        self._check_patient()
        if not self._taken_back:
            self._chart.check_encounter()
        steps = [self._look(number, change) for number, change in enumerate(self._changes, 1)]
        ids = [self._make(step) for step in steps]
        alarms = [self._read_back(step, resource_id) for step, resource_id in zip(steps, ids, strict=True)]
        self._tell([f"{step.change.kind}/{each}" for step, each in zip(steps, ids, strict=True)])
        return Settlement(state=State.DELIVERED, reason=next(filter(None, alarms), None))

    def _after(self) -> list[Resource]:
        if self._taken_back:
            return []
        if self._whole:
            return list(scored_resources(orjson.loads(self._queue.bundle(self._item))))
        return list(orjson.loads(self._queue.pieces(self._item))) if self._item.sealed_pieces else []

    def _look(self, number: int, change: Change) -> _Step:
        """Return a change with what is there; stops when that is not what we wrote, or not there any more."""
        try:
            found = self._finder.find(change.after)
        except FhirError as error:
            if error.status in _GONE:
                raise Stop(State.HELD, GONE_FROM_CHART) from None
            raise
        if len(found) > 1:
            raise Stop(State.HELD, "possible-duplicate")
        if not found and change.before is not None:
            raise Stop(State.HELD, GONE_FROM_CHART)
        step = _Step(name=f"{self._item.kind}-{number}", change=change, theirs=found[0] if found else None)
        if step.theirs is not None:
            self._is_done(change, step.theirs)
        return step

    def _is_done(self, change: Change, theirs: Resource) -> bool:
        """Whether a resource is as it has to be; stops when it is neither that nor what we wrote before (F17)."""
        with foreign():
            if self._finder.same(change.after, theirs):
                return True
            ours = change.before is not None and self._finder.same(change.before, theirs)
        if not ours:
            raise Stop(State.HELD, CHANGED_IN_CHART)
        return False

    def _make(self, step: _Step) -> str:
        """Make one change unless it was made before; returns the id of its resource."""
        if step.theirs is None:
            return self._create(step)
        if not self._is_done(step.change, step.theirs):
            self._update(step, step.theirs)
        return str(step.theirs["id"])

    def _create(self, step: _Step) -> str:
        answer = self._sender.bring(partial(dict, step.change.after), step.name, lambda: False)
        found = [each["id"] for each in self._finder.find(step.change.after)]
        if not found:
            raise self._sender.not_read_back(step.name)
        return answer.id if answer and answer.id else str(found[0])

    def _update(self, step: _Step, theirs: Resource) -> None:
        wanted = changed(theirs, step.change.before or {}, step.change.after)
        self._updater.update(step.name, theirs, wanted, is_done=partial(self._is_done, step.change))

    def _read_back(self, step: _Step, resource_id: str) -> str | None:
        """Stop unless the chart says what it has to say now; returns an alarm's code when a label is gone (F20)."""
        theirs = self._client.read(step.change.kind, resource_id)
        with foreign():
            done = self._finder.same(step.change.after, theirs)
            before = step.change.before is not None and self._finder.same(step.change.before, theirs)
            kept = labels_of(step.theirs or {}) <= labels_of(theirs)
        if not done:
            raise self._sender.not_read_back(step.name) if before else Stop(State.HELD, "changed-by-ehr")
        return None if kept else "label-dropped"
