"""A note's way into the chart: one current note for each visit, which carries all of the visit's scores."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from fhir_alliance.delivery.chart import Chart, foreign, unread
from fhir_alliance.delivery.expected import expected_of, labels_of
from fhir_alliance.delivery.ledger import Ledger, VisitNotes
from fhir_alliance.delivery.note_drafts import Draft, drafts_of, identifiers_of, is_same, texts_of
from fhir_alliance.delivery.outcomes import TWICE, Settlement, Stop, hold_reason
from fhir_alliance.delivery.queue import Item
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError, InvalidResource, SignInNeeded
from fhir_alliance.records.note import TITLE
from fhir_alliance.records.note_content import note_content

_STEP: Final = "note"
_MARGIN: Final = timedelta(days=1)
# A note that a later one has replaced was written all the same.
_STANDS: Final = frozenset({"current", "superseded"})

Resource = Mapping[str, Any]


class NoteDelivery:
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
        self._queue = queue
        self._client = client
        self._item = item
        self._base = fhir_base
        self._drafts = drafts_of(keeping.notes_of_visit(item))
        # A correction that leaves nothing to tell has no note of its own: any of the visit's says what to look for.
        self._own = next((each for each in self._drafts if each.submission.key == item.key), self._drafts[-1])
        self._sender = sender
        self._chart = Chart(client, fhir_base=fhir_base, expected=expected_of(bundle))

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
        answer = self._sender.bring(partial(self._document, earlier), _STEP, lambda: self._find() is not None)
        if answer and answer.id:
            self._queue.keep_response(self._item, answer.id)
        note = self._find(answer.id if answer else None)
        if note is None:
            raise self._sender.not_read_back(_STEP)
        kept = labels_of(self._own.skeleton) <= labels_of(note)
        return Settlement(state=State.DELIVERED, reason=self._supersede(earlier) or (None if kept else "label-dropped"))

    def found(self) -> list[Resource]:
        """Return what the chart has of its note, whatever it says there; raises what reading raises."""
        return self._matches([self._own])

    def late(self) -> Settlement | None:
        """Return what to settle when its note is there twice after all, None when not; raises what reading raises."""
        return TWICE if len(self.found()) > 1 else None

    def _document(self, earlier: Sequence[Draft]) -> dict[str, Any]:
        """Return the note with its content, and with what it replaces (E06)."""
        patient, skeleton = self._queue.patient(self._item), self._own.skeleton
        content = note_content(self._own.text, title=TITLE, patient=patient, at=skeleton["date"])
        replaced = [
            {"code": "replaces", "target": {"reference": f"DocumentReference/{note['id']}"}}
            for note in self._notes_of(earlier)
        ]
        return {**skeleton, "content": content, **({"relatesTo": replaced} if replaced else {})}

    def _find(self, known: str | None = None) -> Resource | None:
        """Return our note when it is there, by the id that the EHR gave it or among the patient's notes.

        Stops when there are several, or when the EHR has changed it.
        """
        note_id = known or self._item.response_id
        found = self._read(note_id) if note_id else self._matches([self._own])
        if len(found) > 1:
            raise Stop(State.HELD, "possible-duplicate")
        if not found:
            return None
        with foreign():
            self._check(found[0])
        return found[0]

    def _read(self, note_id: str) -> list[Resource]:
        try:
            return [self._client.read("DocumentReference", note_id)]
        except FhirError as error:
            stop = unread(error)
            if isinstance(stop, Stop) and stop.state is State.UNKNOWN:
                return []
            raise stop from None

    def _check(self, note: Resource) -> None:
        self._check_subject(note)
        if identifiers_of(note) and self._item.key not in identifiers_of(note):
            raise Stop(State.HELD, "identifier-changed")
        texts = list(texts_of(note))
        if note["status"] not in _STANDS or (texts and self._own.text not in texts):
            raise Stop(State.HELD, "changed-by-ehr")

    def _check_subject(self, note: Resource) -> None:
        """Stop when a note of ours is filed for somebody else."""
        with foreign():
            subject = str(note["subject"]["reference"]).removeprefix(f"{self._base}/")
        if subject != self._own.skeleton["subject"]["reference"]:
            raise Stop(State.HELD, "subject-rewritten")

    def _notes_of(self, drafts: Sequence[Draft]) -> list[Resource]:
        """Return what the chart has of notes that may have been sent."""
        sent = [each for each in drafts if each.submission.sent]
        return self._matches(sent) if sent else []

    def _matches(self, drafts: Sequence[Draft]) -> list[Resource]:
        """Return the patient's notes that are one of these; identifiers may have been dropped (E03).

        Stops when the EHR told only a part: what is not among them may be there all the same.
        """
        (coding,) = self._own.skeleton["type"]["coding"]
        since = (min(each.ends for each in drafts) - _MARGIN).date()
        params = [
            ("patient", self._own.skeleton["subject"]["reference"].rpartition("/")[2]),
            ("type", f"{coding['system']}|{coding['code']}"),
            ("date", f"ge{since.isoformat()}"),
        ]
        try:
            found = self._client.search("DocumentReference", params)
        except FhirError as error:
            raise unread(error) from None
        with foreign():
            notes: list[Resource] = [each for each in found.resources if any(is_same(each, draft) for draft in drafts)]
        if not notes and not found.complete:
            raise Stop(State.HELD, "cannot-read-back")
        return notes

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
