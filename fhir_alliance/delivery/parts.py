"""What an EHR has not taken of a transaction is looked for, and then sent alone, each entry once (F10, F11)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import orjson

from fhir_alliance.delivery.chart import Chart, unread
from fhir_alliance.delivery.comparing import standing
from fhir_alliance.delivery.expected import Identifier, identifiers_of
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.ledger import Ledger
from fhir_alliance.delivery.outcomes import NOT_READ_BACK, Outcome, meaning_of, missing
from fhir_alliance.delivery.score_entries import pointing
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.delivery.sends import Send
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError

PART: Final = "part-"
"""How the steps begin that send one entry of a transaction alone; its number follows."""
QUIET_TIMES: Final = 10
"""So many quiet times after a send an index may lag: before, what nobody has refused is not surely missing (F08)."""

Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One entry of the transaction; `number` counts from 1."""

    number: int
    url: str
    resource: Resource = field(repr=False)

    @property
    def step(self) -> str:
        """What a send of it alone is called."""
        return f"{PART}{self.number}"

    @property
    def place(self) -> str:
        """Where its id belongs in a reference to it."""
        return str(self.resource["resourceType"])

    @property
    def identifier(self) -> Identifier:
        """Its own identifier."""
        return identifiers_of(self.resource)[0]


class Parts:
    """The response and the scores of one leased submission, sent before as one transaction by one of some `steps`.

    A Provenance is no part: it cannot be found again, and a refused one never blocks a score.
    """

    def __init__(
        self, queue: Ledger, client: FhirClient, item: Item, sender: Sender, *, chart: Chart, steps: tuple[str, ...]
    ) -> None:
        self._queue = queue
        self._client = client
        self._item = item
        self._sender = sender
        self._chart = chart
        self._steps = steps
        entries = orjson.loads(queue.bundle(item))["entry"]
        self._response, *self._scores = (
            _Part(number=number, url=entry["fullUrl"], resource=entry["resource"])
            for number, entry in enumerate(entries, 1)
            if entry["resource"]["resourceType"] != "Provenance"
        )

    def fates(self, statuses: tuple[int | None, ...]) -> dict[Outcome, int | None]:
        """Return what became of the parts by the statuses of a transaction's entries, each with the first status."""
        known = [statuses[part.number - 1] for part in (self._response, *self._scores)]
        return {meaning_of(status): status for status in reversed(known)}

    def begun(self, last: Send) -> bool:
        """Whether the EHR has said, or its chart shows, that some of the transaction was taken."""
        return bool(last.entries or self._found())

    def bring_response(self) -> str:
        """Send the response alone, which the chart does not have; returns its id. Raises Stop and EhrError."""
        self._check(self._response)
        return self._send(self._response, {}).rpartition("/")[2]

    def complete(self, response_id: str) -> None:
        """Send the scores that the chart does not have, in their order, as derived from the response there.

        Raises Stop while it is not certain that one is missing, or when the EHR says that it is invalid, and EhrError.
        """
        last = self._queue.last_send(self._item, *self._steps)
        if last is None or last.outcome is Outcome.WRITTEN:
            return
        there = {self._response.url: f"{self._response.place}/{response_id}", **self._found(thoroughly=True)}
        absent = [part for part in self._scores if part.url not in there]
        for part in absent:
            self._check(part)
        for part in absent:
            there[part.url] = self._send(part, there)

    def _found(self, *, thoroughly: bool = False) -> dict[str, str]:
        """Return where the scores are; `thoroughly` looks in another way for each that is not found at first."""
        try:
            known = self._chart.observations()
        except FhirError as error:
            raise unread(error) from None
        copies = {part.url: standing(known.get(part.identifier, ())) for part in self._scores}
        found = {
            part.url: copies[part.url][0]["id"] if copies[part.url] else self._chart.find_score(part.resource)
            for part in self._scores
            if copies[part.url] or thoroughly
        }
        return {url: f"Observation/{each}" for url, each in found.items() if each}

    def _check(self, part: _Part) -> None:
        """Stop unless a part that is not in the chart was refused, or is certain enough not to have been written."""
        last = self._fate(part)
        if last is None or last.outcome is Outcome.REFUSED:
            return
        seen_missing = self._item.reason == NOT_READ_BACK
        if last.outcome is Outcome.WRITTEN or not seen_missing or self._sender.is_fresh(last, times=QUIET_TIMES):
            raise missing(last.status)

    def _fate(self, part: _Part) -> Send | None:
        """Return the last send of a part: alone, or within the transaction."""
        whole = self._queue.last_send(self._item, *self._steps)
        alone = self._queue.last_send(self._item, part.step)
        if alone is not None or whole is None:
            return alone
        if whole.entries:
            status = whole.entries[part.number - 1]
            return replace(whole, outcome=meaning_of(status), status=status)
        # Refused as a whole and taken in part all the same: its word says nothing about the rest.
        return replace(whole, outcome=Outcome.UNKNOWN) if whole.outcome is Outcome.REFUSED else whole

    def _send(self, part: _Part, there: Mapping[str, str]) -> str:
        resource = pointing(part.resource, there)
        answer = self._sender.write(part.step, partial(self._client.create, resource))
        score = part is not self._response
        found = answer.id or (self._chart.find_score(part.resource) if score else self._chart.find_response())
        if found is None:
            raise missing(answer.status)
        return f"{part.place}/{found}"
