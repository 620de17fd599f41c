"""A correction's way into the notes of a visit: a new note without what does not hold any more, the old ones marked."""

from collections.abc import Sequence

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.chart import Resource, foreign
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.ledger import VisitNotes
from fhir_alliance.delivery.note_drafts import Draft, is_same, texts_of
from fhir_alliance.delivery.notes import NoteDelivery
from fhir_alliance.delivery.outcomes import LATE, NOT_READ_BACK, Settlement, Stop
from fhir_alliance.delivery.parts import QUIET_TIMES
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import CHANGED_IN_CHART, GONE_FROM_CHART, State
from fhir_alliance.delivery.telling import Teller
from fhir_alliance.delivery.updating import Updater
from fhir_alliance.delivery.versions import Version
from fhir_alliance.records.corrections import STRUCK


class NoteCorrection(NoteDelivery):
    """The steps for one leased correction of a form whose scores are in a note of the chart (E06).

    Other scores come in a new note, which replaces the old one. Where the form is taken back every note that tells of
    it is entered in error, and a new one tells of the other forms of the visit, if there are any. `unsettled` are the
    versions that are taken back although nobody knows whether the chart has a note of them.
    """

    def __init__(
        self,
        queue: Queue,
        keeping: VisitNotes,
        item: Item,
        bundle: bytes,
        access: ChartAccess,
        *,
        unsettled: Sequence[Version] = (),
    ) -> None:
        client, sender = access.client, access.sender
        super().__init__(queue, keeping, client, item, bundle, sender, fhir_base=access.fhir_base)
        self._updater = Updater(queue, client, item, sender)
        self._teller = Teller(queue, item, access)
        self._versions = queue.versions
        self._unsettled = unsettled
        self._earlier = [each for each in self._drafts if each.submission.sequence < item.sequence]

    def run(self) -> Settlement:
        """Bring the notes of the visit up to date; returns DELIVERED, raises Stop or the EHR's error.

        While a note that was sent may yet come, it is looked for again (F07).
        """
        self._chart.check_patient(self._queue.patient(self._item))
        earlier = self._earlier
        notes = self._notes_of(earlier)
        self._check_untouched(notes, earlier)
        left = self._own.submission.key == self._item.key
        wrong = [each for each in earlier if self._item.form_key in each.forms]
        settlement = Settlement(state=State.DELIVERED)
        if left and not self._is_told(notes, wrong):
            settlement = super().run()
        if not left or self._item.form_key not in self._own.forms:
            self._strike(wrong)
        self._check_unsettled(notes)
        return settlement

    def late(self) -> Settlement | None:
        """Return what to settle when an unmarked note of it has come after all, None when not; raises as `run` does."""
        wrong = [each for each in self._earlier if self._item.form_key in each.forms]
        return LATE if any(note["status"] != STRUCK for note in self._notes_of(wrong)) else None

    def _is_told(self, notes: Sequence[Resource], wrong: Sequence[Draft]) -> bool:
        """Whether a note of the chart that stays says just what is left: no note of the form had taken its place."""
        with foreign():
            stay = [each for each in notes if not any(is_same(each, draft) for draft in wrong)]
            return any(each["status"] == "current" and self._own.text in texts_of(each) for each in stay)

    def _check_untouched(self, notes: Sequence[Resource], earlier: Sequence[Draft]) -> None:
        """Stop when somebody has changed the visit's current note: its words are theirs now (F17)."""
        if not notes and not self._unsettled:
            raise Stop(State.HELD, GONE_FROM_CHART)
        ours = {each.text for each in earlier}
        for note in notes:
            with foreign():
                texts = set(texts_of(note))
                changed = note["status"] == "current" and bool(texts) and not texts & ours
            if changed:
                raise Stop(State.HELD, CHANGED_IN_CHART)

    def _check_unsettled(self, notes: Sequence[Resource]) -> None:
        """Stop while a note of what is taken back may yet come, or stands in somebody else's chart (F21)."""
        for version in self._unsettled:
            for note in self._read(version.response_id) if version.response_id else ():
                if note["status"] != STRUCK:
                    self._check_subject(note)
        keys = {each.key for each in self._unsettled}
        sent = [each for each in self._drafts if each.submission.key in keys and each.submission.sent]
        absent = [each for each in sent if not any(is_same(note, each) for note in notes)]
        sent_at = self._versions.last_sent(self._item.form_key, self._item.version)
        if absent and sent_at is not None and self._sender.may_come(sent_at, times=QUIET_TIMES):
            raise Stop(State.UNKNOWN, NOT_READ_BACK)

    def _strike(self, wrong: list[Draft]) -> None:
        """Mark notes as entered in error, see that the chart says so (E06, O21), and tell who asked for it (O23)."""
        notes = self._notes_of(wrong)
        for number, note in enumerate(notes, 1):
            if note["status"] != STRUCK:
                self._updater.strike(f"strike-{number}", note)
        if any(note["status"] != STRUCK for note in self._notes_of(wrong)):
            raise self._sender.not_read_back(f"strike-{len(notes)}")
        self._teller.tell([f"DocumentReference/{note['id']}" for note in notes])
