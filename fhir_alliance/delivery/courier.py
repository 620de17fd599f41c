"""The worker that delivers: what is due, for each EHR one after another, until every receipt says "in the chart"."""

from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from random import SystemRandom
from threading import Event, Thread
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from fhir_alliance.delivery.access import ChartAccess
from fhir_alliance.delivery.correcting import NEVER_SENT
from fhir_alliance.delivery.deliveries import delivery_of, unsettled_by
from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.outcomes import Outcome, Settlement, Stop, hold_reason, next_try
from fhir_alliance.delivery.purging import ConfirmedPurge
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.delivery.receipts import NO_UPDATES, NOT_IN_CHART, Kind, State
from fhir_alliance.delivery.senders import Senders
from fhir_alliance.delivery.sending import Clock, Sender
from fhir_alliance.delivery.sweep import Sweep
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import AllianceError, EhrError, StoreError
from fhir_alliance.settings import Rung

_POLL_SECONDS: Final = 1.0
# Many accepted at once wake it once, not each: looking costs the more the more waits.
_REST_SECONDS: Final = 0.1
_PURGE_EVERY: Final = timedelta(hours=1)
_RANDOM: Final = SystemRandom()
# What is written is the payload itself, not pieces of it.
_WHOLE: Final = (Rung.OBSERVATIONS, Rung.DOCUMENT)
_log = structlog.get_logger(__name__)


class Courier:
    """Delivers what the outbox accepted; `jitter` returns a number from 0 to below 1."""

    def __init__(
        self,
        outbox: Outbox,
        queue: Queue,
        keeping: Keeping,
        grants: Grants,
        registry: Registry,
        *,
        clock: Callable[[], datetime],
        jitter: Callable[[], float] = _RANDOM.random,
    ) -> None:
        self._accepted = outbox.accepted
        self._queue = queue
        self._keeping = keeping
        self._purge_at: datetime | None = None
        self._grants = grants
        self._registry = registry
        self._senders = Senders(grants, BackendTokens(registry, clock), registry)
        self._confirmed = ConfirmedPurge(queue, keeping, self._senders, registry)
        self._sweep = Sweep(queue, keeping, self._senders, partial(self._access, clock=clock))
        self._clock = clock
        self._jitter = jitter
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Deliver in a background thread, at once what was left from before, then whenever something is accepted."""
        self._stopping.clear()
        self._accepted.set()
        self._thread = Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the submission in hand, take no other, and end the thread."""
        self._stopping.set()
        self._accepted.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def deliver_due(self, now: datetime, ehr: str | None = None) -> int:
        """Try everything that is due, for one EHR or all; returns how many submissions were tried.

        `now` is when this begins: a full outbox takes hours, in which time goes on for leases and for the quiet time.
        Raises StoreError when what happens cannot be written down: then nothing more is sent.
        """
        ahead, tried = now - self._clock(), 0

        def clock() -> datetime:
            return self._clock() + ahead

        while not self._stopping.is_set() and (item := self._queue.lease(clock(), ehr)) is not None:
            settlement = self._try(item, clock)
            self._queue.settle(item, settlement, clock())
            _tell(item, settlement)
            tried += 1
        return tried

    def look_again(self, now: datetime, ehr: str | None = None) -> int:
        """Hold for a person what has come twice after all (F07); returns how many submissions were looked at."""
        return self._sweep.look(now, ehr)

    def purge_due(self, now: datetime) -> int:
        """Delete what is kept beyond its date, at most once an hour; returns how many submissions that were.

        What is in the chart for long enough is read there once more before it is deleted here (P10).
        """
        if not self._purge_is_due(now):
            return 0
        self._purge_at = now + _PURGE_EVERY
        return self._keeping.purge(now) + self._confirmed.purge(now, self._stopping)

    def _purge_is_due(self, now: datetime) -> bool:
        return self._purge_at is None or now >= self._purge_at

    def _work(self) -> None:
        """Keep a lane for each EHR, and one for deleting, so that one that is slow delays nobody else's forms."""
        lanes: dict[str, Thread] = {}
        while not self._stopping.is_set():
            self._accepted.wait(_POLL_SECONDS)
            self._accepted.clear()
            with _paused_by_the_store():
                jobs = {ehr: partial(self._deliver_to, ehr) for ehr in self._queue.waiting_at(self._clock())}
                if self._purge_is_due(self._clock()):
                    jobs[""] = partial(self._purge)
                for name, job in jobs.items():
                    if name not in lanes or not lanes[name].is_alive():
                        lanes[name] = Thread(target=job, name=f"courier-{name or 'purge'}", daemon=True)
                        lanes[name].start()
            self._stopping.wait(_REST_SECONDS)
        for lane in lanes.values():
            lane.join()

    def _deliver_to(self, ehr: str) -> None:
        with _paused_by_the_store(), self._queue.turn(ehr) as mine:
            if mine:
                self.deliver_due(self._clock(), ehr)
                self.look_again(self._clock(), ehr)

    def _purge(self) -> None:
        with _paused_by_the_store():
            self.purge_due(self._clock())

    def _try(self, item: Item, clock: Clock) -> Settlement:
        try:
            return self._deliver(item, clock)
        except StoreError:
            raise
        except Stop as stop:
            return self._settlement(item, stop, stop.state, stop.reason, clock())
        except EhrError as error:
            if (reason := hold_reason(error)) is not None:
                corrects = item.kind is not Kind.ORIGINAL and reason == "not-allowed"
                return Settlement(state=State.HELD, reason=NO_UPDATES if corrects else reason)
            return self._settlement(item, error, self._so_far(item), error.code, clock())
        except AllianceError as error:
            return Settlement(state=State.HELD, reason=error.code)
        except Exception as error:  # one that nobody foresaw must not stop the others: a person looks at it
            _log.error("delivery.broken", ehr=item.ehr, code=type(error).__name__, submission=item.key)
            return Settlement(state=State.HELD, reason="failed")

    def _deliver(self, item: Item, clock: Clock) -> Settlement:
        written = self._queue.versions.written_before(item.form_key, item.version)
        unsettled = unsettled_by(self._queue, item)
        if item.kind is Kind.WITHDRAWAL and not (written or unsettled):
            return Settlement(state=State.DELIVERED, reason=NEVER_SENT)
        if item.rung not in _WHOLE and not (written or unsettled or item.sealed_pieces):
            return Settlement(state=State.HELD, reason=NOT_IN_CHART)
        self._check_binding(item)

        def run(sent: Item, token: str, scopes: Set[str]) -> Settlement:
            access = self._access(sent, token, scopes, clock)
            return delivery_of(self._queue, self._keeping, sent, written, access, unsettled=unsettled).run()

        return self._senders.deliver(item, run)

    def _check_binding(self, item: Item) -> None:
        """Stop before anything is sent when the settings mean another EHR or client by the same name (F44)."""
        if item.fhir_base not in (None, self._registry.by_name(item.ehr).fhir_base):
            raise Stop(State.HELD, "ehr-changed")
        if not self._grants.is_of_same_client(item.grant):
            raise Stop(State.HELD, "client-changed")

    def _access(self, item: Item, token: str, scopes: Set[str], clock: Clock) -> ChartAccess:
        ehr = self._registry.by_name(item.ehr)
        client = FhirClient(self._registry.door(ehr), ehr.fhir_base, token)
        sender = Sender(self._queue, client, item, clock=clock, quiet=ehr.answer)
        return ChartAccess(client=client, fhir_base=ehr.fhir_base, scopes=scopes, sender=sender)

    def _settlement(self, item: Item, error: AllianceError, state: State, reason: str, now: datetime) -> Settlement:
        if state not in (State.ACCEPTED, State.UNKNOWN):
            return Settlement(state=state, reason=reason)
        retry_at = next_try(error, now=now, tries=item.tries, jitter=self._jitter)
        return Settlement(state=state, reason=reason, retry_at=retry_at)

    def _so_far(self, item: Item) -> State:
        last = self._queue.last_send(item)
        return State.ACCEPTED if last is None or last.outcome is Outcome.REFUSED else State.UNKNOWN


@contextmanager
def _paused_by_the_store() -> Iterator[None]:
    """Say that the database refuses, and end the block; its kind alone, as a traceback may quote a patient's data."""
    try:
        yield
    except (StoreError, SQLAlchemyError) as error:
        _log.error("delivery.paused", code=error.code if isinstance(error, StoreError) else type(error).__name__)


def _tell(item: Item, settlement: Settlement) -> None:
    """Log the outcome; these keys are all there is, so no answer, name or token can get in."""
    _log.info(
        "delivery.tried",
        code=settlement.reason,
        ehr=item.ehr,
        state=settlement.state.value,
        attempt=item.tries,
        submission=item.key,
    )
