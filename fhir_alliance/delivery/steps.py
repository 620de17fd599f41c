"""One submission's way into the chart: check the patient, reconcile, send once, read back."""

from typing import Final, NamedTuple

from fhir_alliance.delivery.chart import Chart, Resource, unread
from fhir_alliance.delivery.expected import expected_of, has_provenance, lesser
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.ledger import Ledger
from fhir_alliance.delivery.outcomes import TWICE, Outcome, Settlement, Stop, missing, outcome_of
from fhir_alliance.delivery.parts import Parts
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.sending import Sender, refusal
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.outcomes import refusal_of
from fhir_alliance.errors import EhrError, FhirError, PartlyWritten


class _Rung(NamedTuple):
    """One way to send: as accepted, or with less."""

    step: str
    conditional: bool
    provenance: bool


_RUNGS: Final = (
    _Rung("whole", conditional=True, provenance=True),
    _Rung("without-provenance", conditional=True, provenance=False),
    _Rung("unconditional", conditional=False, provenance=True),
    _Rung("unconditional-without-provenance", conditional=False, provenance=False),
)
_STEPS: Final = tuple(rung.step for rung in _RUNGS)
# A refusal of these kinds can be about the conditions: sekmet-fhir 0.1.1 answers 400.
_CONDITION: Final = frozenset({400, 405, 422})
# Somebody else wrote first, or several are there: sending less would not help.
_CONFLICT: Final = frozenset({409, 412})
# About the permission or the pace, not about the content: nothing to look up.
_NOT_CONTENT: Final = frozenset({401, 429})


class Delivery:
    """The steps for one leased submission with one access token."""

    def __init__(
        self,
        queue: Ledger,
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
        self._sender = sender
        self._bundle = queue.bundle(item)
        self._rungs = _rungs(told=has_provenance(self._bundle), allowed=may_tell_provenance)
        self._chart = Chart(client, fhir_base=fhir_base, expected=expected_of(self._bundle))
        self._parts = Parts(queue, client, item, sender, chart=self._chart, steps=_STEPS)

    def run(self) -> Settlement:
        """Bring the submission into the chart, exactly once; returns DELIVERED, raises Stop or the EHR's error."""
        self._chart.check_patient(self._queue.patient(self._item))
        self._chart.check_encounter()
        response = self._known() or self._reconcile() or self._send(self._rungs)
        self._queue.keep_response(self._item, response)
        self._parts.complete(response)
        return Settlement(state=State.DELIVERED, reason=self._chart.read_back(response))

    def found(self) -> list[Resource]:
        """Return what the chart has of it, whatever it says there; raises what reading raises."""
        return self._chart.found()

    def late(self) -> Settlement | None:
        """Return what to settle when something is there twice after all, None when not; raises what reading raises."""
        try:
            found = self._chart.find_response()
            told = self._chart.read_back(found) if found else None
        except Stop as stop:
            told = stop.reason
        return TWICE if told == TWICE.reason else None

    def _known(self) -> str | None:
        """Return the response that the EHR gave an id, or the copy that stands where a person has marked that one."""
        try:
            return self._item.response_id and str(self._chart.response_at(self._item.response_id)["id"])
        except FhirError as error:
            raise unread(error) from None

    def _reconcile(self) -> str | None:
        """Look for what an earlier send may have left; None when it is certain enough that a send is right."""
        last = self._queue.last_send(self._item, *_STEPS)
        if last is None or last.outcome is Outcome.REFUSED:
            return None
        if found := self._chart.find_response():
            return found
        if not last.entries:
            self._sender.check_settled(last)
        return self._parts.bring_response() if self._parts.begun(last) else None

    def _send(self, rungs: tuple[_Rung, ...]) -> str:
        """Send by the first rung the EHR accepts; after a refusal, look before sending in another way."""
        rung, *others = rungs
        try:
            return self._send_by(rung)
        except PartlyWritten as error:
            return self._take_in_part(error)
        except FhirError as error:
            if outcome_of(error) is Outcome.UNKNOWN or error.status in _NOT_CONTENT:
                raise
            if error.status != 403 and (found := self._chart.find_response()):
                return found
            left = tuple(each for each in others if _may_help(each, error.status))
            if not left:
                raise refusal(error) from None
        return self._send(left)

    def _take_in_part(self, error: PartlyWritten) -> str:
        """Go on with what was taken; a refused part waits for a person, one that may be there for a look (F11)."""
        fates = self._parts.fates(error.statuses)
        if refused := fates.get(Outcome.REFUSED):
            raise refusal(refusal_of(refused)) from None
        found = None if Outcome.UNKNOWN in fates else self._chart.find_response()
        if found is None:
            raise error
        return found

    def _send_by(self, rung: _Rung) -> str:
        bundle = lesser(self._bundle, conditional=rung.conditional, provenance=rung.provenance)
        attempt = self._sender.begin(rung.step)
        try:
            response = self._client.transaction(bundle)[0]
        except EhrError as error:
            status = error.status if isinstance(error, FhirError) else None
            entries = error.statuses if isinstance(error, PartlyWritten) else ()
            self._queue.end_send(attempt, outcome_of(error), status=status, entries=entries)
            raise
        self._queue.end_send(attempt, Outcome.WRITTEN, status=response.status)
        found = response.id or self._chart.find_response()
        if found is None:
            raise missing(response.status)
        return found


def _rungs(*, told: bool, allowed: bool) -> tuple[_Rung, ...]:
    """Return the ways to send a bundle that tells its provenance or not, without one that is known to be refused."""
    whole, lesser_only = allowed or not told, told
    return tuple(rung for rung in _RUNGS if (whole if rung.provenance else lesser_only))


def _may_help(rung: _Rung, status: int) -> bool:
    return status not in _CONFLICT and (rung.conditional or status in _CONDITION)
