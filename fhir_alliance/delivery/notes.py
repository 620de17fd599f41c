"""A note's way into the chart: one current note for each visit, which carries all of the visit's scores."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from fhir_alliance.delivery.documents import DocumentSteps
from fhir_alliance.delivery.expected import expected_of, labels_of
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.ledger import Ledger, VisitNotes
from fhir_alliance.delivery.note_drafts import Draft, drafts_of, is_same, texts_of
from fhir_alliance.delivery.outcomes import Settlement, Stop, hold_reason
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError, InvalidResource, SignInNeeded
from fhir_alliance.records.note import TITLE
from fhir_alliance.records.note_content import note_content

_STEP: Final = "note"

Resource = Mapping[str, Any]


class NoteDelivery(DocumentSteps):
    """The steps for one leased submission whose scores go into the note of its visit; `bundle` says whose it is."""

    def __init__(
        self,
        queue: Ledger,
        keeping: VisitNotes,
        client: FhirClient,
        item: Item,
        bundle: bytes,
        sender: Sender,
        *,
        fhir_base: str,
    ) -> None:
        self._drafts = drafts_of(keeping.notes_of_visit(item))
        # A correction that leaves nothing to tell has no note of its own: any of the visit's says what to look for.
        self._own = next((each for each in self._drafts if each.submission.key == item.key), self._drafts[-1])
        expected, ours = expected_of(bundle), self._own.skeleton
        super().__init__(queue, client, item, sender, fhir_base=fhir_base, ours=ours, expected=expected)

    def run(self) -> Settlement:
        """Bring the visit's note into the chart, exactly once; returns DELIVERED, raises Stop or the EHR's error.

        Where the note of a later form is there already it carries these scores too, and nothing is sent.
        """
        self._chart.check_patient(self._queue.patient(self._item))
        self._chart.check_encounter()
        place = self._drafts.index(self._own)
        earlier, later = self._drafts[:place], self._drafts[place + 1 :]
        if any(each.submission.delivered for each in later):
            return Settlement(state=State.DELIVERED, reason=self._supersede([self._own]))
        note = self._bring(partial(self._document, earlier), _STEP)
        kept = labels_of(self._own.skeleton) <= labels_of(note)
        return Settlement(state=State.DELIVERED, reason=self._supersede(earlier) or (None if kept else "label-dropped"))

    def found(self) -> list[Resource]:
        """Return what the chart has of its note, whatever it says there; raises what reading raises."""
        return self._matches([self._own])

    def _document(self, earlier: Sequence[Draft]) -> dict[str, Any]:
        """Return the note with its content, and with what it replaces (E06)."""
        patient, skeleton = self._queue.patient(self._item), self._own.skeleton
        content = note_content(self._own.text, title=TITLE, patient=patient, at=skeleton["date"])
        replaced = [
            {"code": "replaces", "target": {"reference": f"DocumentReference/{note['id']}"}}
            for note in self._notes_of(earlier)
        ]
        return {**skeleton, "content": content, **({"relatesTo": replaced} if replaced else {})}

    def _says_ours(self, document: Resource) -> bool:
        texts = list(texts_of(document))
        return not texts or self._own.text in texts

    def _notes_of(self, drafts: Sequence[Draft]) -> list[Resource]:
        """Return what the chart has of notes that may have been sent."""
        sent = [each for each in drafts if each.submission.sent]
        return self._matches(sent) if sent else []

    def _matches(self, drafts: Sequence[Draft]) -> list[Resource]:
        """Return the patient's notes that are one of these; raises what reading raises."""
        since = min(each.ends for each in drafts)
        return self._matching(since, lambda note: any(is_same(note, draft) for draft in drafts))

    def _supersede(self, stale: Sequence[Draft]) -> str | None:
        """Mark earlier notes of the visit as superseded where the EHR has not; returns an alarm's code when it refuses.

        The new note names what it replaces in any case.
        """
        current = [note for note in self._notes_of(stale) if note.get("status") == "current"]
        for number, note in enumerate(current, 1):
            version = str(note.get("meta", {}).get("versionId", ""))
            change = partial(self._client.update, {**note, "status": "superseded"}, if_match=version)
            try:
                self._sender.write(f"supersede-{number}", change)
            except (FhirError, InvalidResource, Stop) as error:
                if isinstance(error, FhirError) and (isinstance(error, SignInNeeded) or hold_reason(error) is None):
                    raise
                return "earlier-note-stays"
        return None
