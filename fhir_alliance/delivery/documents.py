"""One DocumentReference on its way into a chart: looked for before it is sent again, and read back after it was."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from fhir_alliance.delivery.chart import Chart, foreign, unread
from fhir_alliance.delivery.comparing import standing
from fhir_alliance.delivery.expected import Expected
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.ledger import Ledger
from fhir_alliance.delivery.note_drafts import identifiers_of
from fhir_alliance.delivery.outcomes import TWICE, Settlement, Stop
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError
from fhir_alliance.records.corrections import STRUCK

_MARGIN: Final = timedelta(days=1)
# What a later one has replaced was written all the same.
_STANDS: Final = frozenset({"current", "superseded"})

Resource = Mapping[str, Any]


class DocumentSteps(ABC):
    """What the steps of a leased item have in common that becomes a document; `ours` is that, but for its content."""

    def __init__(
        self,
        queue: Ledger,
        client: FhirClient,
        item: Item,
        sender: Sender,
        *,
        fhir_base: str,
        ours: Resource,
        expected: Expected,
    ) -> None:
        self._queue = queue
        self._client = client
        self._item = item
        self._sender = sender
        self._base = fhir_base
        self._ours = ours
        self._chart = Chart(client, fhir_base=fhir_base, expected=expected)

    @abstractmethod
    def found(self) -> list[Resource]:
        """Return what the chart has of it, whatever it says there; raises what reading raises."""

    @abstractmethod
    def _says_ours(self, document: Resource) -> bool:
        """Whether a document of the chart says what we wrote, as far as it tells what it says."""

    def late(self) -> Settlement | None:
        """Return what to settle when it is there twice after all, None when not; raises what reading raises."""
        return TWICE if len(standing(self.found())) > 1 else None

    def _bring(self, make: Callable[[], dict[str, Any]], step: str) -> Resource:
        """Send the document unless it is there; returns what the chart has of it, stops while that is nothing."""
        answer = self._sender.bring(make, step, lambda: self._find() is not None)
        if answer and answer.id:
            self._queue.keep_response(self._item, answer.id)
        document = self._find(answer.id if answer else None)
        if document is None:
            raise self._sender.not_read_back(step)
        return document

    def _find(self, known: str | None = None) -> Resource | None:
        """Return our document when it is there, by the id that the EHR gave it or among the patient's documents.

        Stops when there are several, or when the EHR has changed it.
        """
        found = standing(self._copies(known or self._item.response_id))
        if len(found) > 1:
            raise Stop(State.HELD, "possible-duplicate")
        if not found:
            return None
        with foreign():
            self._check(found[0])
        return found[0]

    def _copies(self, document_id: str | None) -> list[Resource]:
        """Return our document by its id, with all that are ours where that is not known, or was marked as an error."""
        known = self._read(document_id) if document_id else []
        if document_id and not any(each.get("status") == STRUCK for each in known):
            return known
        return [*known, *(each for each in self.found() if each["id"] != document_id)]

    def _read(self, document_id: str) -> list[Resource]:
        try:
            return [self._client.read("DocumentReference", document_id)]
        except FhirError as error:
            stop = unread(error)
            if isinstance(stop, Stop) and stop.state is State.UNKNOWN:
                return []
            raise stop from None

    def _check(self, document: Resource) -> None:
        self._check_subject(document)
        if identifiers_of(document) and self._item.key not in identifiers_of(document):
            raise Stop(State.HELD, "identifier-changed")
        if document["status"] not in _STANDS or not self._says_ours(document):
            raise Stop(State.HELD, "changed-by-ehr")

    def _check_subject(self, document: Resource) -> None:
        """Stop when a document of ours is filed for somebody else."""
        if not self._is_of_patient(document):
            raise Stop(State.HELD, "subject-rewritten")

    def _is_of_patient(self, document: Resource) -> bool:
        with foreign():
            subject = str(document["subject"]["reference"]).removeprefix(f"{self._base}/")
        return bool(subject == self._ours["subject"]["reference"])

    def _matching(self, since: datetime, is_ours: Callable[[Resource], bool]) -> list[Resource]:
        """Return those of the patient's documents of this type that are ours; identifiers may have been dropped (E03).

        Stops when the EHR told only a part: what is not among them may be there all the same.
        """
        (coding,) = self._ours["type"]["coding"]
        params = [
            ("patient", self._ours["subject"]["reference"].rpartition("/")[2]),
            ("type", f"{coding['system']}|{coding['code']}"),
            ("date", f"ge{(since - _MARGIN).date().isoformat()}"),
        ]
        try:
            found = self._client.search("DocumentReference", params)
        except FhirError as error:
            raise unread(error) from None
        with foreign():
            documents: list[Resource] = [each for each in found.resources if is_ours(each)]
        if not documents and not found.complete:
            raise Stop(State.HELD, "cannot-read-back")
        return documents
