"""A test entry on its way into a chart and out again: what is sent, and the memory of what became of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import orjson
from sqlalchemy import Engine

from fhir_alliance.audit import Event, record
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.keeping import VisitNote
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.parts import PART
from fhir_alliance.delivery.sending import Sender
from fhir_alliance.delivery.sends import Send
from fhir_alliance.ehr.bundles import entry_types
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import ANSWER, Rung
from fhir_alliance.store import transaction

RETRACT: Final = "retract"
"""How the steps begin that take a test entry back."""


Place = tuple[str, str]
"""The type and id of a resource."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A marked test entry for one patient; `bundle` is all of it, `pieces` what a lesser rung writes instead."""

    key: str
    ehr: str
    fhir_base: str
    patient: PatientShown
    encounter: str | None
    rung: Rung
    bundle: bytes = field(repr=False)
    pieces: bytes = field(default=b"", repr=False)

    @property
    def written(self) -> list[dict[str, Any]]:
        """The resources that the rung writes; a note without its content."""
        if self.rung is Rung.OBSERVATIONS:
            return [each["resource"] for each in orjson.loads(self.bundle)["entry"]]
        pieces = orjson.loads(self.pieces)
        return [pieces["note"]] if self.rung is Rung.NOTE else list(pieces)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of what the rung writes, each once."""
        return tuple(dict.fromkeys(each["resourceType"] for each in self.written))

    def item(self, sender: str) -> Item:
        """Return it as the steps of a delivery know a submission."""
        return Item(
            key=self.key,
            sequence=0,
            ehr=self.ehr,
            patient=self.patient.id,
            encounter=self.encounter,
            launch="",
            grant="",
            tries=1,
            response_id=None,
            lease="",
            rung=self.rung,
            fhir_base=self.fhir_base,
            payload=b"",
            shown=b"",
            sealed_pieces=None,
            sender=sender,
        )

    def sent_by(self, step: str) -> list[str]:
        """Return the types that one step of the delivery sends: everything at once, or one piece."""
        if self.rung is not Rung.OBSERVATIONS:
            return [self.kinds[0]]
        kinds = list(entry_types(self.bundle))
        return [kinds[int(step.removeprefix(PART)) - 1]] if step.startswith(PART) else kinds


class Memory:
    """The ledger of one trial: kept as long as the command runs, but no send happens without its audit row (I6)."""

    def __init__(self, engine: Engine, trial: Trial, *, by: str, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.sends: list[tuple[str, Send]] = []
        self.noted: list[Place] = []
        self._engine = engine
        self._trial = trial
        self._by = by

    def sender(self, client: FhirClient, item: Item) -> Sender:
        """Return what sends the test entry with one access token."""
        return Sender(self, client, item, clock=self.clock, quiet=ANSWER)

    def recall(self, steps: Iterable[str], *, at: datetime) -> None:
        """Remember what an earlier probe sent, and the EHR took for review: it is looked for, and not sent again."""
        accepted = Send(started_at=at, outcome=Outcome.WRITTEN, status=HTTPStatus.ACCEPTED)
        self.sends.extend((step, accepted) for step in steps)

    @property
    def reviewed(self) -> list[str]:
        """The steps that the EHR took for review, in their order."""
        return [step for step, send in self.creates if send.status == HTTPStatus.ACCEPTED]

    @property
    def creates(self) -> list[tuple[str, Send]]:
        """The sends that were to create something, in their order."""
        return [(step, send) for step, send in self.sends if not step.startswith(RETRACT)]

    def note(self, kind: str, resource_id: str | None) -> None:
        """Remember where the EHR says that it keeps something."""
        if resource_id is not None:
            self.noted.append((kind, resource_id))

    def bundle(self, item: Item) -> bytes:
        """Return the whole test entry."""
        return self._trial.bundle

    def pieces(self, item: Item) -> bytes:
        """Return what its rung writes of it."""
        return self._trial.pieces

    def patient(self, item: Item) -> PatientShown:
        """Return the patient whose birth date was typed."""
        return self._trial.patient

    def last_send(self, item: Item, *steps: str) -> Send | None:
        """Return the latest send, or that of some steps; None when none left us."""
        asked = [send for name, send in self.sends if name in (steps or (name,))]
        left = [send for send in asked if send.outcome is not Outcome.NOT_SENT]
        return left[-1] if left else None

    def begin_send(self, item: Item, step: str, now: datetime) -> int:
        """Write down in the audit trail that a send is about to happen; StoreError when that cannot be done."""
        at = self.clock()
        with transaction(self._engine) as connection:
            record(
                connection,
                at=at,
                event=Event.PROBE_SENT,
                actor=self._by,
                ehr=self._trial.ehr,
                patient=self._trial.patient.id,
                launch=None,
                outcome=step,
                request_id=self._trial.key,
            )
        self.sends.append((step, Send(started_at=at, outcome=Outcome.UNKNOWN, status=None)))
        return len(self.sends) - 1

    def end_send(
        self, attempt: int, outcome: Outcome, *, status: int | None, entries: Sequence[int | None] = ()
    ) -> None:
        """Remember what became of a send."""
        step, send = self.sends[attempt]
        self.sends[attempt] = step, replace(send, outcome=outcome, status=status, entries=tuple(entries))

    def keep_response(self, item: Item, response_id: str) -> None:
        """Do nothing: every id is noted when it is told."""

    def notes_of_visit(self, item: Item) -> tuple[VisitNote, ...]:
        """Return the test entry alone: it has a note of its own, and touches no other."""
        pieces = orjson.loads(self._trial.pieces)
        key, now = self._trial.key, self.clock()
        own = VisitNote(key=key, form_key=key, sequence=0, delivered=False, accepted_at=now, sent_at=now, pieces=pieces)
        return (own,)
