"""A correction's way into the notes of a visit: a new note without what does not hold any more, the old ones marked."""

from functools import partial
from typing import Final

from fhir_alliance.delivery.chart import Resource, foreign
from fhir_alliance.delivery.note_drafts import Draft, texts_of
from fhir_alliance.delivery.notes import NoteDelivery
from fhir_alliance.delivery.outcomes import Settlement, Stop
from fhir_alliance.delivery.receipts import CHANGED_IN_CHART, GONE_FROM_CHART, NO_UPDATES, State
from fhir_alliance.errors import Conflict, FhirError
from fhir_alliance.records.corrections import STRUCK

_NO_UPDATES: Final = frozenset({403, 404, 405, 501})


class NoteCorrection(NoteDelivery):
    """The steps for one leased correction of a form whose scores are in a note of the chart (E06).

    Other scores come in a new note, which replaces the old one. Where the form is taken back every note that tells of
    it is entered in error, and a new one tells of the other forms of the visit, if there are any.
    """

    def run(self) -> Settlement:
        """Bring the notes of the visit up to date; returns DELIVERED, raises Stop or the EHR's error."""
        self._chart.check_patient(self._queue.patient(self._item))
        earlier = [each for each in self._drafts if each.submission.sequence < self._item.sequence]
        self._check_untouched(earlier)
        taken_out = self._item.form_key not in self._own.forms or self._own.submission.key != self._item.key
        left = self._own.submission.key == self._item.key
        settlement = super().run() if left else Settlement(state=State.DELIVERED)
        if taken_out:
            self._strike([each for each in earlier if self._item.form_key in each.forms])
        return settlement

    def _check_untouched(self, earlier: list[Draft]) -> None:
        """Stop when somebody has changed the visit's current note: its words are theirs now (F17)."""
        notes = self._notes_of(earlier)
        if not notes:
            raise Stop(State.HELD, GONE_FROM_CHART)
        ours = {each.text for each in earlier}
        for note in notes:
            with foreign():
                texts = set(texts_of(note))
                changed = note["status"] == "current" and bool(texts) and not texts & ours
            if changed:
                raise Stop(State.HELD, CHANGED_IN_CHART)

    def _strike(self, wrong: list[Draft]) -> None:
        """Mark notes as entered in error, and see that the chart says so (E06, O21)."""
        notes = self._notes_of(wrong)
        for number, note in enumerate(notes, 1):
            if note["status"] != STRUCK:
                self._update(number, note)
        if any(note["status"] != STRUCK for note in self._notes_of(wrong)):
            raise self._sender.not_read_back(f"strike-{len(notes)}")

    def _update(self, number: int, note: Resource) -> None:
        version = str(note.get("meta", {}).get("versionId", ""))
        if not version:
            raise Stop(State.HELD, NO_UPDATES)
        struck = {**note, "status": STRUCK}
        try:
            self._sender.write(f"strike-{number}", partial(self._client.update, struck, if_match=version))
        except Conflict:
            raise Stop(State.UNKNOWN, "conflict") from None
        except FhirError as error:
            raise Stop(State.HELD, NO_UPDATES) if error.status in _NO_UPDATES else error from None
