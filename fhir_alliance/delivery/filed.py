"""The way of a page that a clinician files: into the chart once, and out of it as entered in error."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import orjson

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.chart import foreign
from fhir_alliance.delivery.documents import DocumentSteps
from fhir_alliance.delivery.expected import expected_document, labels_of
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.note_drafts import has_words, identifiers_of
from fhir_alliance.delivery.outcomes import LATE, NOT_READ_BACK, Settlement, Stop
from fhir_alliance.delivery.parts import QUIET_TIMES
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import CHANGED_IN_CHART, GONE_FROM_CHART, State
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.delivery.telling import Teller
from fhir_alliance.delivery.updating import Updater
from fhir_alliance.delivery.versions import Version
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.records.corrections import STRUCK

_STEP: Final = "document"

Resource = Mapping[str, Any]


class FiledDelivery(DocumentSteps):
    """The steps for one leased page; `ours` is its whole DocumentReference, as it was accepted."""

    def __init__(
        self, queue: Queue, client: FhirClient, item: Item, sender: Sender, *, fhir_base: str, ours: Resource
    ) -> None:
        expected = expected_document(ours)
        super().__init__(queue, client, item, sender, fhir_base=fhir_base, ours=ours, expected=expected)

    def run(self) -> Settlement:
        """Bring the page into the chart, exactly once; returns DELIVERED, raises Stop or the EHR's error."""
        self._chart.check_patient(self._queue.patient(self._item))
        self._chart.check_encounter()
        document = self._bring(partial(dict, self._ours), _STEP)
        kept = labels_of(self._ours) <= labels_of(document)
        return Settlement(state=State.DELIVERED, reason=None if kept else "label-dropped")

    def found(self) -> list[Resource]:
        """Return what the chart has of the page, whatever became of it there; raises what reading raises."""
        return self._matching(datetime.fromisoformat(self._ours["date"]), partial(_is_same, self._ours))

    def _says_ours(self, document: Resource) -> bool:
        return says_page(self._ours, document)


class FiledWithdrawal(FiledDelivery):
    """The steps for taking one page back; `sent` is the version of it of which anything has left us."""

    def __init__(self, queue: Queue, item: Item, sent: Version, access: ChartAccess, *, unsettled: bool) -> None:
        client, sender = access.client, access.sender
        super().__init__(queue, client, item, sender, fhir_base=access.fhir_base, ours=sent.bundle)
        self._sent = sent
        self._unsettled = unsettled
        self._versions = queue.versions
        self._updater = Updater(queue, client, item, sender)
        self._teller = Teller(queue, item, access)

    def run(self) -> Settlement:
        """Mark the page as entered in error, and see that the chart says so (O21); returns DELIVERED, raises as above.

        While a page that was sent may yet come, it is looked for again (F07). What somebody has changed is theirs now
        (F17), and what stands in another chart a person has to mark (F21).
        """
        self._chart.check_patient(self._queue.patient(self._item))
        documents = self.found()
        if not documents and not self._unsettled:
            raise Stop(State.HELD, GONE_FROM_CHART)
        for document in self._unmarked(documents):
            self._check_subject(document)
            if not self._says_ours(document):
                raise Stop(State.HELD, CHANGED_IN_CHART)
        for number, document in enumerate(self._unmarked(documents), 1):
            self._updater.strike(f"{self._item.kind}-{number}", document)
        if documents and self._unmarked(self.found()):
            raise self._sender.not_read_back(f"{self._item.kind}-1")
        if not documents and self._may_come():
            raise Stop(State.UNKNOWN, NOT_READ_BACK)
        self._teller.tell([f"DocumentReference/{each['id']}" for each in documents])
        return Settlement(state=State.DELIVERED)

    def found(self) -> list[Resource]:
        """Return what the chart has of the page, by the id that the EHR gave it and by searching."""
        known = self._read(self._sent.response_id) if self._sent.response_id else []
        return list({str(each["id"]): each for each in (*known, *super().found())}.values())

    def late(self) -> Settlement | None:
        """Return what to settle when a page that is not marked has come after all, None when not."""
        return LATE if self._unmarked(self.found()) else None

    def _unmarked(self, documents: Sequence[Resource]) -> list[Resource]:
        return [each for each in documents if each.get("status") != STRUCK]

    def _may_come(self) -> bool:
        sent_at = self._versions.last_sent(self._item.form_key, self._item.version)
        return sent_at is not None and self._sender.may_come(sent_at, times=QUIET_TIMES)


def page_of(queue: Queue, item: Item) -> Resource:
    """Return the DocumentReference of a leased page; VaultError when it was tampered with."""
    return dict(orjson.loads(queue.bundle(item)))


def says_page(ours: Resource, theirs: Resource) -> bool:
    """Whether a document holds the page that we wrote; a server may keep it elsewhere and give an address instead."""
    with foreign():
        own, found = _digests(ours), _digests(theirs)
    return not found or found == own


def _is_same(ours: Resource, theirs: Resource) -> bool:
    """Whether a document of the chart is ours: by identifier, and where that was dropped by its moment and its page."""
    if known := identifiers_of(theirs):
        return identifiers_of(ours)[0] in known
    moments = [datetime.fromisoformat(each["date"]) for each in (ours, theirs)]
    return moments[0] == moments[1] and not has_words(theirs) and says_page(ours, theirs)


def _digests(document: Resource) -> list[str]:
    """Return the SHA-1 (as FHIR R4 has it) of each attachment that is inside."""
    found = (content["attachment"].get("data") for content in document.get("content", ()))
    return [
        hashlib.sha1(base64.b64decode(data), usedforsecurity=False).hexdigest() for data in found if data is not None
    ]
