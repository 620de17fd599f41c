"""One resource at a time, each sent once: what an earlier send may have left is looked for before another."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from fhir_alliance.delivery.ledger import Ledger
from fhir_alliance.delivery.outcomes import Outcome, Stop, missing, outcome_of
from fhir_alliance.delivery.queue import Item
from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.outcomes import Written
from fhir_alliance.errors import EhrError, FhirError

# A request given up after 30 seconds may still be written by a slow EHR: until then one empty search proves nothing.
QUIET: Final = timedelta(seconds=30)
_INVALID: Final = frozenset({400, 422})


class Sender:
    """Sends for one leased submission."""

    def __init__(self, queue: Ledger, client: FhirClient, item: Item, *, now: datetime) -> None:
        self._queue = queue
        self._client = client
        self._item = item
        self._now = now

    def bring(self, make: Callable[[], dict[str, Any]], step: str, is_there: Callable[[], bool]) -> Written | None:
        """Create a resource unless it is there; returns what the EHR said, None when nothing had to be sent.

        Raises Stop while it is not certain what an earlier send has left, or when the EHR says that it is invalid.
        """
        last = self._queue.last_send(self._item, step)
        if last is not None and last.outcome is not Outcome.REFUSED:
            if is_there():
                return None
            if last.outcome is Outcome.WRITTEN or self._now - last.started_at < QUIET:
                raise missing(last.status)
        return self.write(step, lambda: self._client.create(make()))

    def write(self, step: str, call: Callable[[], Written]) -> Written:
        """Make one write, which is written down before it happens."""
        attempt = self._queue.begin_send(self._item, step, self._now)
        try:
            answer = call()
        except EhrError as error:
            status = error.status if isinstance(error, FhirError) else None
            self._queue.end_send(attempt, outcome_of(error), status=status)
            raise (refusal(error) if isinstance(error, FhirError) else error) from None
        self._queue.end_send(attempt, Outcome.WRITTEN, status=answer.status)
        return answer

    def not_read_back(self, step: str) -> Stop:
        """Return what to raise for something that was written and cannot be read yet."""
        last = self._queue.last_send(self._item, step)
        return missing(last.status if last else None)


def refusal(error: FhirError) -> FhirError | Stop:
    """Return what to raise for a refused write: content that is invalid would be refused again."""
    return Stop(State.REJECTED, "invalid") if error.status in _INVALID else error
