"""A lesser rung's way into the chart: piece by piece, each found again before it is sent again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import orjson

from fhir_alliance.delivery.chart import Chart, foreign, unread
from fhir_alliance.delivery.comparing import standing
from fhir_alliance.delivery.expected import expected_of, value_of
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.ledger import Ledger
from fhir_alliance.delivery.outcomes import TWICE, Settlement, Stop
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError

_MARGIN: Final = timedelta(days=1)

Resource = Mapping[str, Any]


class PieceDelivery:
    """The steps for one leased submission whose scores go into flowsheet rows."""

    def __init__(self, queue: Ledger, client: FhirClient, item: Item, sender: Sender, *, fhir_base: str) -> None:
        self._queue = queue
        self._client = client
        self._item = item
        self._base = fhir_base
        self._pieces: list[dict[str, Any]] = orjson.loads(queue.pieces(item))
        self._sender = sender
        self._chart = Chart(client, fhir_base=fhir_base, expected=expected_of(queue.bundle(item)))

    def run(self) -> Settlement:
        """Bring every piece into the chart, exactly once; returns DELIVERED, raises Stop or the EHR's error."""
        self._chart.check_patient(self._queue.patient(self._item))
        self._chart.check_encounter()
        steps = {f"{self._item.rung}-{number}": piece for number, piece in enumerate(self._pieces, 1)}
        for step, piece in steps.items():
            self._sender.bring(partial(dict, piece), step, partial(self._find, piece))
        for step, piece in steps.items():
            if not self._find(piece):
                raise self._sender.not_read_back(step)
        return Settlement(state=State.DELIVERED)

    def found(self) -> list[Resource]:
        """Return what the chart has in these rows at this time; raises what reading raises."""
        return [each for piece in self._pieces for each in rows_like(self._client, piece)]

    def late(self) -> Settlement | None:
        """Return what to settle when a row has its value twice after all, None when not; raises what reading raises."""
        several = any(len(standing(rows_like(self._client, piece))) > 1 for piece in self._pieces)
        return TWICE if several else None

    def _find(self, piece: Resource) -> bool:
        """Whether a piece reads back by patient, code and time (spec row E03); stops when the EHR has changed it."""
        ours = standing(rows_like(self._client, piece))
        with foreign():
            changed = any(self._told(each) != self._told(piece) for each in ours)
        if len(ours) > 1:
            raise Stop(State.HELD, "possible-duplicate")
        if changed:
            raise Stop(State.HELD, "changed-by-ehr")
        return bool(ours)

    def _told(self, observation: Resource) -> tuple[object, ...]:
        subject = str(observation["subject"]["reference"]).removeprefix(f"{self._base}/")
        return observation["status"], value_of(observation), subject


def rows_like(client: FhirClient, piece: Resource) -> list[Resource]:
    """Return the values of the chart that are of the same patient, row and moment as a piece of ours.

    The search is one that every US Core server SHALL support; identifiers may have been dropped.
    """
    (coding,) = piece["code"]["coding"]
    since = (datetime.fromisoformat(piece["effectiveDateTime"]) - _MARGIN).date()
    params = [
        ("patient", piece["subject"]["reference"].rpartition("/")[2]),
        ("code", f"{coding['system']}|{coding['code']}"),
        ("date", f"ge{since.isoformat()}"),
    ]
    try:
        found = client.search("Observation", params)
    except FhirError as error:
        raise unread(error) from None
    with foreign():
        return [each for each in found.resources if _is_same(each, piece)]


def _is_same(found: Resource, piece: Resource) -> bool:
    """Whether an Observation is of the same row and moment as a piece of ours."""
    (own,) = piece["code"]["coding"]
    row = any(
        (each.get("system"), each.get("code")) == (own["system"], own["code"]) for each in found["code"]["coding"]
    )
    moments = [datetime.fromisoformat(each["effectiveDateTime"]) for each in (found, piece)]
    return row and moments[0] == moments[1]
