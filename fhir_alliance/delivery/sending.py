"""One resource at a time, each sent once: what an earlier send may have left is looked for before another."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.ledger import Ledger
from fhir_alliance.delivery.outcomes import Outcome, Stop, missing, outcome_of
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.sends import Send
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.outcomes import Written
from fhir_alliance.errors import EhrError, FhirError

Clock = Callable[[], datetime]
"""Returns the present."""

_INVALID: Final = frozenset({400, 422})


class Sender:
    """Sends for one leased submission; for `quiet` after a send one empty search proves nothing.

    A request that was given up may still be written by a slow EHR (F07), so a send begins when it leaves us, not when
    the delivery did: the reads before it may have been slow, too.
    """

    def __init__(self, queue: Ledger, client: FhirClient, item: Item, *, clock: Clock, quiet: timedelta) -> None:
        self._queue = queue
        self._client = client
        self._item = item
        self._clock = clock
        self._quiet = quiet

    def bring(self, make: Callable[[], dict[str, Any]], step: str, is_there: Callable[[], bool]) -> Written | None:
        """Create a resource unless it is there; returns what the EHR said, None when nothing had to be sent.

        Raises Stop while it is not certain what an earlier send has left, or when the EHR says that it is invalid.
        """
        last = self._queue.last_send(self._item, step)
        if last is not None and last.outcome is not Outcome.REFUSED:
            if is_there():
                return None
            self.check_settled(last)
        return self.write(step, lambda: self._client.create(make()))

    def check_settled(self, last: Send) -> None:
        """Stop while what an earlier send has not left so far may still come."""
        if last.outcome is Outcome.WRITTEN or self.is_fresh(last):
            raise missing(last.status)

    def is_fresh(self, last: Send, *, times: int = 1) -> bool:
        """Whether an earlier send is so new, by so many quiet times, that the EHR may not have written it yet."""
        return self.may_come(last.started_at, times=times)

    def may_come(self, sent_at: datetime, *, times: int = 1) -> bool:
        """Whether what was sent at a time may still be written, or found, by so many quiet times."""
        return self._clock() - sent_at < self._quiet * times

    def now(self) -> datetime:
        """Return the present, as sends are written down with it."""
        return self._clock()

    def begin(self, step: str) -> int:
        """Write down that a send begins now; returns the attempt's id."""
        return self._queue.begin_send(self._item, step, self._clock())

    def write(self, step: str, call: Callable[[], Written]) -> Written:
        """Make one write, which is written down before it happens."""
        attempt = self.begin(step)
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
