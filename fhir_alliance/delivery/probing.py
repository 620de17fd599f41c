"""A write probe: a test entry sent as the courier sends, read back as it reads back, and then retracted (E01)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fhir_alliance.delivery.chart import foreign
from fhir_alliance.delivery.expected import labels_of
from fhir_alliance.delivery.notes import NoteDelivery
from fhir_alliance.delivery.outcomes import Outcome, Stop, hold_reason
from fhir_alliance.delivery.pieces import PieceDelivery
from fhir_alliance.delivery.receipts import IN_REVIEW, State
from fhir_alliance.delivery.retracting import ACCEPTED, Retraction, why_not
from fhir_alliance.delivery.steps import Delivery
from fhir_alliance.delivery.trial import Memory, Trial
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.probed import CREATE, FIND, LABEL, READ, RETRACT, Left, Probed, Tried, Verdict
from fhir_alliance.errors import EhrError
from fhir_alliance.settings import Rung

Resource = Mapping[str, Any]
Steps = Delivery | PieceDelivery | NoteDelivery

_NO_PROVENANCE = Tried(what="Provenance", step=CREATE, verdict=Verdict.UNTRIED, why="no-status")


class Probe:
    """One probe of one EHR; `connect` returns a client with a token that is still good, which notes what it creates."""

    def __init__(self, memory: Memory, trial: Trial, connect: Callable[[], FhirClient], *, by: str) -> None:
        self._memory = memory
        self._trial = trial
        self._connect = connect
        self._by = by

    def run(self) -> Probed:
        """Send, read back, retract; whatever happens in between, what was sent is looked for and named.

        Raises AllianceError, and whatever else went wrong, only as long as nothing was sent.
        """
        client = self._connect()
        delivery = self._delivery(client)
        verdict, why = self._send(delivery)
        retraction = Retraction(self._memory, self._trial, self._connect, by=self._by)
        retraction.look(client, delivery.found)
        if retraction.astray:
            verdict, why = Verdict.FAILS, "subject-rewritten"
        written = [
            each
            for kind in self._trial.kinds
            for each in self._written(kind, retraction.seen(kind), client, (verdict, why))
        ]
        left = retraction.run()
        retracted = [_retracted(kind, retraction.seen(kind), left) for kind in self._trial.kinds]
        untried = [_NO_PROVENANCE] if self._trial.rung is Rung.OBSERVATIONS else []
        tried = (*written, *retracted, *untried)
        return Probed(rung=self._trial.rung, verdict=verdict, why=why, tried=tried, left=tuple(left))

    def _delivery(self, client: FhirClient) -> Steps:
        item, base = self._trial.item(self._by), self._trial.fhir_base
        sender = self._memory.sender(client, item)
        if self._trial.rung is Rung.NOTE:
            bundle = self._memory.bundle(item)
            return NoteDelivery(self._memory, self._memory, client, item, bundle, sender, fhir_base=base)
        if self._trial.rung is Rung.FLOWSHEET:
            return PieceDelivery(self._memory, client, item, sender, fhir_base=base)
        return Delivery(self._memory, client, item, sender, fhir_base=base, may_tell_provenance=False)

    def _send(self, delivery: Steps) -> tuple[Verdict, str]:
        """Deliver; returns whether the EHR takes it, and why not, or an alarm's code.

        A person's Ctrl-C counts too: what has been sent by then must not stay.
        """
        try:
            return Verdict.WORKS, delivery.run().reason or ""
        except Stop as stop:
            certain = stop.state in (State.HELD, State.REJECTED)
            verdict = Verdict.PENDING if stop.reason == IN_REVIEW else Verdict.FAILS if certain else Verdict.OPEN
            why = stop.reason
        except EhrError as error:
            verdict = Verdict.FAILS if hold_reason(error) else Verdict.OPEN
            why = why_not(error)
        except (Exception, KeyboardInterrupt) as error:
            if not self._memory.sends:
                raise
            verdict, why = Verdict.OPEN, why_not(error)
        return (verdict if self._memory.creates else Verdict.UNTRIED), why

    def _written(
        self, kind: str, seen: list[Resource], client: FhirClient, whole: tuple[Verdict, str]
    ) -> Iterator[Tried]:
        """Yield how a type is created, found again, read and kept, before anything is retracted."""
        created = self._created(kind, seen, whole[1])
        yield created
        if not seen:
            verdict = Verdict.UNTRIED if created.verdict is Verdict.FAILS else created.verdict
            unread = (whole[0], whole[1]) if verdict is Verdict.WORKS else (verdict, "")
            yield Tried(what=kind, step=READ, verdict=unread[0], why=unread[1])
            yield from (Tried(what=kind, step=step, verdict=Verdict.UNTRIED) for step in (FIND, LABEL))
            return
        yield _judged(kind, FIND, self._find(kind, client))
        yield _judged(kind, READ, "" if whole[0] is Verdict.WORKS else whole[1])
        yield _judged(kind, LABEL, self._dropped(kind, seen))

    def _created(self, kind: str, seen: list[Resource], why: str) -> Tried:
        if not self._memory.creates:
            return Tried(what=kind, step=CREATE, verdict=Verdict.UNTRIED, why=why)
        _, last = self._memory.creates[-1]
        if last.outcome is Outcome.REFUSED:
            return Tried(what=kind, step=CREATE, verdict=Verdict.FAILS, why=f"http-{last.status}")
        reviewed = IN_REVIEW if last.status == ACCEPTED else ""
        if reviewed and not seen:
            return Tried(what=kind, step=CREATE, verdict=Verdict.PENDING, why=reviewed)
        certain = seen or last.outcome is Outcome.WRITTEN
        return Tried(what=kind, step=CREATE, verdict=Verdict.WORKS if certain else Verdict.OPEN, why=reviewed)

    def _find(self, kind: str, client: FhirClient) -> str:
        """Return why what was written is not found by its identifier, nothing when it is."""
        own = next(each["identifier"] for each in self._trial.written if each["resourceType"] == kind)
        identifier = own[0] if isinstance(own, list) else own
        params = [("identifier", f"{identifier['system']}|{identifier['value']}")]
        try:
            found = client.search(kind, params).resources
            with foreign():
                ours = [each for each in found if _has(each, identifier)]
        except (EhrError, KeyboardInterrupt) as error:
            return why_not(error)
        if not found:
            return "identifier-dropped"
        return "" if len(ours) == len(found) else "identifier-ignored"

    def _dropped(self, kind: str, seen: list[Resource]) -> str:
        """Return the codes of the labels that did not come back, nothing when all did."""
        sent = frozenset().union(*(labels_of(each) for each in self._trial.written if each["resourceType"] == kind))
        try:
            with foreign():
                gone = {code for each in seen for _, code in sent - labels_of(each)}
        except EhrError as error:
            return why_not(error)
        return f"label-dropped {' '.join(sorted(gone))}" if gone else ""


def _retracted(kind: str, seen: list[Resource], left: list[Left]) -> Tried:
    whys = [each.why for each in left if each.place.startswith(f"{kind}/")]
    if not seen and not whys:
        return Tried(what=kind, step=RETRACT, verdict=Verdict.UNTRIED)
    if IN_REVIEW in whys:
        return Tried(what=kind, step=RETRACT, verdict=Verdict.PENDING, why=IN_REVIEW)
    return _judged(kind, RETRACT, whys[0] if whys else "")


def _judged(kind: str, step: str, why: str) -> Tried:
    return Tried(what=kind, step=step, verdict=Verdict.FAILS if why else Verdict.WORKS, why=why)


def _has(resource: Resource, identifier: Mapping[str, str]) -> bool:
    own = resource.get("identifier") or []
    several = own if isinstance(own, list) else [own]
    return any(
        (each.get("system"), each.get("value")) == (identifier["system"], identifier["value"]) for each in several
    )
