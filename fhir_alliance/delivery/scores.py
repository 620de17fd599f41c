"""The scores of a response that somebody else wrote: brought to what its present version says, each once."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import orjson

from fhir_alliance.delivery.chart import Chart, foreign, unread
from fhir_alliance.delivery.comparing import standing
from fhir_alliance.delivery.expected import expected_scores, labels_of, lesser
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.outcomes import Outcome, Settlement, Stop, missing
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import SCORED_ELSEWHERE, SUPERSEDED, State
from fhir_alliance.delivery.score_entries import changed_entry, is_retracted, is_same, new_entry, own_identifier
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import EhrError, FhirError
from fhir_alliance.records.foreign import referred
from fhir_alliance.records.harvested import is_by_others, is_deletion, version_of
from fhir_alliance.records.provenance import score_provenance
from fhir_alliance.terms import OBSERVATION_CATEGORY

_GONE: Final = frozenset({404, 410})

Resource = Mapping[str, Any]


class ScoreDelivery:
    """The steps for one leased version of a harvested response.

    What is in the chart is looked at every time, so that a repeat, a crash or another worker leaves each score once.
    """

    def __init__(
        self,
        queue: Queue,
        client: FhirClient,
        item: Item,
        sender: Sender,
        *,
        fhir_base: str,
        may_tell_provenance: bool,
    ) -> None:
        self._queue = queue
        self._client = client
        self._item = item
        self._base = fhir_base
        self._version = str(item.harvested_version)
        bundle = queue.bundle(item)
        self._wanted = {own_identifier(entry["resource"]): entry for entry in orjson.loads(bundle)["entry"]}
        self._chart = Chart(client, fhir_base=fhir_base, expected=expected_scores(bundle))
        self._sender = sender
        self._tells = may_tell_provenance

    def run(self) -> Settlement:
        """Bring the scores into the chart; returns DELIVERED, raises Stop or the EHR's error."""
        self._chart.check_patient(self._queue.patient(self._item))
        self._chart.check_encounter()
        response = self._check_response()
        found = self._found()
        if entries := self._entries(found):
            self._wait()
            self._send(entries)
            found = self._found()
            if self._entries(found):
                raise self._sender.not_read_back("scores")
        self._tell(response, found)
        kept = all(labels_of(self._wanted[key]["resource"]) <= labels_of(each) for key, each in found.items())
        return Settlement(state=State.DELIVERED, reason=None if kept else "label-dropped")

    def _check_response(self) -> Resource | None:
        """Return the response as it was scored, None when it is deleted as it is told to be.

        Stops when it is another version, which has other scores, or none.
        """
        try:
            response = self._client.read("QuestionnaireResponse", str(self._item.response_id))
        except FhirError as error:
            if error.status not in _GONE:
                raise
            if is_deletion(self._version):
                return None
            raise self._superseded() from None
        with foreign():
            subject = response["subject"]["reference"]
        if subject != self._queue.patient(self._item).reference:
            raise Stop(State.HELD, "subject-rewritten")
        if version_of(response) != self._version:
            raise self._superseded()
        return response

    def _superseded(self) -> Stop:
        """Return what ends this for good, once an earlier send has had the time to arrive: others have to find it."""
        self._wait(written=False)
        return Stop(State.HELD, SUPERSEDED)

    def _wait(self, *, written: bool = True) -> None:
        """Stop for now while an earlier send may still be on its way, or was `written` and cannot be found yet."""
        last = self._queue.last_send(self._item)
        if last is None or last.outcome is Outcome.REFUSED:
            return
        if (written and last.outcome is Outcome.WRITTEN) or self._sender.is_fresh(last):
            raise missing(last.status)

    def _found(self) -> dict[str, Resource]:
        """Return our own scores of this response in the chart, by identifier.

        Stops when there are several of one, another patient's, or another program's. There is no date in the search:
        an amended score keeps the time it was first given.
        """
        params = [
            ("patient", self._queue.patient(self._item).id),
            ("category", f"{OBSERVATION_CATEGORY}|survey"),
            ("_count", "200"),
        ]
        try:
            result = self._client.search("Observation", params)
        except FhirError as error:
            raise unread(error) from None
        with foreign():
            ours = [each for each in result.resources if own_identifier(each) in self._wanted]
            keys = dict.fromkeys(map(own_identifier, ours))
            copies = {key: standing(each for each in ours if own_identifier(each) == key) for key in keys}
            subjects = {each["subject"]["reference"] for several in copies.values() for each in several}
        if not result.complete and len(copies) < len(self._wanted):
            raise Stop(State.HELD, "cannot-read-back")
        if any(len(several) > 1 for several in copies.values()):
            raise Stop(State.HELD, "possible-duplicate")
        if subjects - {self._queue.patient(self._item).reference}:
            raise Stop(State.HELD, "subject-rewritten")
        if not copies and self._by_others(result.resources):
            raise Stop(State.HELD, SCORED_ELSEWHERE)
        return {key: only for key, (only,) in copies.items()}

    def _by_others(self, observations: Iterable[Resource]) -> bool:
        codes = [each["resource"]["code"]["coding"][0] for each in self._wanted.values()]
        with foreign():
            return is_by_others(observations, str(self._item.response_id), codes, own=self._wanted)

    def _entries(self, found: Mapping[str, Resource]) -> list[dict[str, Any]]:
        """Return what has to be written, as entries of a transaction; stops when the EHR has changed a score.

        As long as nothing was sent, scores that are the same in the chart stay as they are: then the response was only
        touched. When one is another, all of them are issued again.
        """
        ids = {self._wanted[key]["fullUrl"]: f"Observation/{each['id']}" for key, each in found.items()}
        if self._queue.last_send(self._item) is None and not self._pending(found, strict=False):
            return []
        pending = self._pending(found, strict=True)
        earlier = self._earlier(found) if pending.keys() & found.keys() else {}
        return [
            changed_entry(wanted, found[key], ids, earlier.get(key, []), self._base)
            if key in found
            else new_entry(wanted, ids)
            for key, wanted in pending.items()
        ]

    def _pending(self, found: Mapping[str, Resource], *, strict: bool) -> dict[str, dict[str, Any]]:
        """Return the scores that the chart does not have as wanted; what is not there need not be retracted."""
        return {
            key: wanted
            for key, wanted in self._wanted.items()
            if not (
                is_same(found[key], wanted["resource"], strict=strict)
                if key in found
                else is_retracted(wanted["resource"])
            )
        }

    def _earlier(self, found: Mapping[str, Resource]) -> dict[str, list[Resource]]:
        """Return what other versions of the response had said; stops when that is not kept any more."""
        bundles = self._queue.earlier(self._item)
        told: dict[str, list[Resource]] = {}
        for bundle in filter(None, bundles):
            for entry in orjson.loads(bundle)["entry"]:
                told.setdefault(own_identifier(entry["resource"]), []).append(entry["resource"])
        if None in bundles and not found.keys() <= told.keys():
            raise Stop(State.HELD, "not-comparable")
        return told

    def _send(self, entries: list[dict[str, Any]]) -> None:
        body = orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        try:
            self._sender.write("scores", partial(self._transaction, body))
        except Stop as stop:
            # A refusal can be about the conditions: sekmet-fhir 0.1.1 answers 400.
            if stop.state is not State.REJECTED or not self._entries(self._found()):
                raise
            plain = lesser(body, conditional=False, provenance=True)
            self._sender.write("scores-unconditional", partial(self._transaction, plain))

    def _tell(self, response: Resource | None, found: Mapping[str, Resource]) -> None:
        """Say once who computed the scores, and of whose response, where that is allowed; a refusal changes nothing."""
        last = self._queue.last_send(self._item)
        if not self._tells or last is None or self._queue.last_send(self._item, "provenance"):
            return
        with foreign():
            author = response and (referred(response, "source") or referred(response, "author"))
        provenance = score_provenance(
            f"QuestionnaireResponse/{self._item.response_id}",
            answered_by=author or None,
            targets=[f"Observation/{each['id']}" for each in found.values()],
            recorded=self._sender.now().isoformat(timespec="seconds"),
            activity=self._activity(),
        )
        with suppress(EhrError, Stop):
            self._sender.write("provenance", partial(self._client.create, provenance))

    def _activity(self) -> tuple[str, str]:
        wanted = [each["resource"] for each in self._wanted.values()]
        if any(is_retracted(each) for each in wanted):
            return ("NULLIFY", "nullify")
        amended = any(each["status"] == "amended" for each in wanted)
        return ("UPDATE", "revise") if amended else ("CREATE", "create")

    def _transaction(self, body: bytes) -> Any:
        return self._client.transaction(body)[0]
