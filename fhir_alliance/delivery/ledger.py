"""What the steps of a delivery need to know and to write down, whoever keeps it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.keeping import VisitNote
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.sends import Send
from fhir_alliance.records.submission import PatientShown


class Ledger(Protocol):
    """What is to be sent, and what became of each send: the outbox, or the memory of a probe."""

    def bundle(self, item: Item) -> bytes:
        """Return everything that there is to write, as a transaction."""

    def pieces(self, item: Item) -> bytes:
        """Return what is written on a lesser rung, as `way_into` made it."""

    def patient(self, item: Item) -> PatientShown:
        """Return the patient as shown to whoever decided to send."""

    def last_send(self, item: Item, *steps: str) -> Send | None:
        """Return the latest send, or that of some steps; None when none left us."""

    def begin_send(self, item: Item, step: str, now: datetime) -> int:
        """Write down, with its audit row, that a send is about to happen; StoreError when that cannot be done."""

    def end_send(
        self, attempt: int, outcome: Outcome, *, status: int | None, entries: Sequence[int | None] = ()
    ) -> None:
        """Write down what became of a send, and of each of its entries where the EHR answered by entry."""

    def keep_response(self, item: Item, response_id: str) -> None:
        """Remember under which id the EHR keeps it."""


class VisitNotes(Protocol):
    """Knows what else belongs into the note of a visit."""

    def notes_of_visit(self, item: Item) -> tuple[VisitNote, ...]:
        """Return the submissions whose scores belong into the same note, this one too, oldest first."""
