"""Asking EHRs to tell of visits, seeing that they still do, and catching up on what was missed."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import AllianceError, EhrError, FhirError, StoreError
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import EhrSettings, VisitSettings
from fhir_alliance.store import alone
from fhir_alliance.topics.book import NotifierRefused, Standing, Subscribed, TopicBook
from fhir_alliance.topics.notification import BadNotification, Kind, Notification, read_body, read_notification
from fhir_alliance.topics.words import CONTENT, FILTER, HEARTBEAT, PROFILE
from fhir_alliance.visits.assignments import Trigger
from fhir_alliance.visits.watcher import VisitWatcher

CHECK: Final = timedelta(minutes=15)
"""How often a Subscription is looked at, and how soon one that does not work is asked for again."""

_PAUSE: Final = 15.0
_HEARTBEAT_SECONDS: Final = 600
_log = structlog.get_logger(__name__)


class TopicSubscriber(Rounds):
    """Keeps one Subscription at every EHR that has a topic; `site` is our public address. Polling goes on beside it."""

    def __init__(
        self,
        book: TopicBook,
        visits: VisitWatcher,
        tokens: BackendTokens,
        ehrs: Mapping[str, EhrSettings],
        *,
        site: str,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__("topics", pause=_PAUSE, paused="topics.paused")
        self._book = book
        self._visits = visits
        self._tokens = tokens
        self._ehrs = {name: ehr for name, ehr in ehrs.items() if ehr.visits and ehr.visits.topic}
        self._site = site
        self._clock = clock

    def take(self, name: str, secret: str, read: Callable[[], bytes]) -> None:
        """Take a notification for an EHR: its visits are looked at in the background, by what we read there.

        `read` returns the body, and is not called for who does not know the secret. Raises NotifierRefused,
        BadNotification and StoreError; then nothing was done.
        """
        ehr = self._ehrs.get(name)
        if ehr is None:
            raise NotifierRefused("no topic")
        self._book.require(name, secret)
        told = read_body(read(), fhir_base=ehr.fhir_base)
        if told.kind not in (Kind.HANDSHAKE, Kind.HEARTBEAT, Kind.EVENT):
            raise BadNotification("type")
        self._hear(ehr, told, self._clock())

    def keep(self, now: datetime) -> None:
        """Ask for Subscriptions that are not there or do not work, and catch up where events are missing.

        An EHR that cannot be asked is logged, and tried again. Raises StoreError.
        """
        for ehr in self._ehrs.values():
            if self._stopping.is_set():
                return
            try:
                with alone(self._book.engine, f"topics {ehr.name}"):
                    self._keep(ehr, now)
            except StoreError:
                raise
            except AllianceError as error:
                _log.warning("topics.failed", ehr=ehr.name, code=error.code)

    def _make_round(self) -> None:
        self.keep(self._clock())

    def _hear(self, ehr: EhrSettings, told: Notification, now: datetime) -> None:
        known = self._book.of(ehr.name)
        if known is None or known.id not in (None, told.subscription):
            raise BadNotification("another subscription")
        new = {each.visit: "" for each in told.events if each.visit and each.number > known.last_event}
        # First what is to be done, then that it was heard: a crash between them does it twice.
        self._visits.looks.want(ehr.name, new, Trigger.SUBSCRIPTION, at=now)
        self._book.take(ehr.name, told, at=now)

    def _keep(self, ehr: EhrSettings, now: datetime) -> None:
        known, how = self._book.of(ehr.name), ehr.visits
        if how is None:
            return
        if known is None or known.topic != how.topic:
            self._subscribe(ehr, how, now)
        elif now - known.checked >= CHECK or known.id is None:
            self._check(ehr, how, known, now)
        if (known := self._book.of(ehr.name)) and known.has_gap:
            self._catch_up(ehr, how, known, now)

    def _check(self, ehr: EhrSettings, how: VisitSettings, known: Subscribed, now: datetime) -> None:
        if now - known.checked < CHECK:
            return
        self._book.keep(ehr.name, checked_at=now)
        state = self._state(ehr, known)
        if state == Standing.ACTIVE:
            self._book.keep(ehr.name, state=state)
            self._ask(ehr, known, "status", [])
            return
        _log.error("topics.stopped", ehr=ehr.name, state=state)
        self._book.keep(ehr.name, state=state)
        self._subscribe(ehr, how, now)
        # What happened while nobody told is not among the events of a new Subscription.
        self._poll(ehr, how, now)

    def _state(self, ehr: EhrSettings, known: Subscribed) -> str:
        if known.id is None:
            return Standing.ERROR.value
        name = known.id
        try:
            found = self._tokens.read(ehr, lambda client: client.read("Subscription", name))
        except FhirError as error:
            if error.status not in (404, 410):
                raise
            return Standing.OFF.value
        state = str(found.get("status"))
        return state if state in tuple(Standing) else Standing.ERROR.value

    def _subscribe(self, ehr: EhrSettings, how: VisitSettings, now: datetime) -> None:
        """Ask for the Subscription; one that is there for our address is made to work again, not made twice."""
        address = f"{self._site}/ehr-notify/{ehr.name}"
        there = self._tokens.read(ehr, lambda client: _of_address(client, address))
        found = str(there["id"]) if there else None
        # Its secret is known here before it is there: the handshake comes before the answer.
        secret = self._book.begin(ehr.name, how.topic, subscription=found, at=now)
        wanted = _subscription(how, address, secret)

        def send(client: FhirClient) -> str | None:
            if there:
                version = str(there.get("meta", {}).get("versionId", ""))
                return client.update({**wanted, "id": there["id"]}, if_match=version).id or found
            return client.create(wanted).id

        name = self._tokens.read(ehr, send)
        if name:
            self._book.keep(ehr.name, subscription=name)

    def _catch_up(self, ehr: EhrSettings, how: VisitSettings, known: Subscribed, now: datetime) -> None:
        """Have the missing events told again, or else look through the visits since they were last seen."""
        first, last = known.last_event + 1, known.highest_event
        asked = [("eventsSinceNumber", str(first)), ("eventsUntilNumber", str(last)), ("content", "id-only")]
        told = self._ask(ehr, known, "events", asked)
        if told is None or not {*range(first, last + 1)} <= {each.number for each in told.events}:
            self._poll(ehr, how, now)
        self._book.recovered(ehr.name, until=last)
        _log.warning("topics.caught-up", ehr=ehr.name, events=last - first + 1)

    def _ask(
        self, ehr: EhrSettings, known: Subscribed, operation: str, params: list[tuple[str, str]]
    ) -> Notification | None:
        """Ask what was told of a Subscription, and hear it; None where the EHR does not offer that."""
        name = known.id or ""
        try:
            found = self._tokens.read(ehr, lambda client: client.ask("Subscription", name, operation, params))
            told = read_notification(found, fhir_base=ehr.fhir_base)
            self._hear(ehr, told, self._clock())
        except (EhrError, BadNotification) as error:
            _log.info("topics.not-offered", ehr=ehr.name, operation=operation, code=error.code)
            return None
        return told

    def _poll(self, ehr: EhrSettings, how: VisitSettings, now: datetime) -> None:
        with alone(self._book.engine, f"visits {ehr.name}"):
            self._visits.poll(ehr, how, now)


def _of_address(client: FhirClient, address: str) -> dict[str, Any] | None:
    try:
        found = client.search("Subscription", [("url", address)])
    except FhirError:  # who cannot be searched is asked for a new one
        return None
    mine = (each for each in found.resources if each.get("channel", {}).get("endpoint") == address)
    return next((dict(each) for each in mine if each.get("meta", {}).get("versionId")), None)


def _subscription(how: VisitSettings, address: str, secret: str) -> dict[str, Any]:
    """Return the Subscription of a topic: id-only, by rest-hook, with a secret that proves who calls (W07)."""
    filters = [{"url": FILTER, "valueString": each} for each in how.topic_filters]
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [PROFILE]},
        "status": "requested",
        "reason": "Forms about visits that begin, move or end",
        "criteria": how.topic,
        **({"_criteria": {"extension": filters}} if filters else {}),
        "channel": {
            "extension": [{"url": HEARTBEAT, "valueUnsignedInt": _HEARTBEAT_SECONDS}],
            "type": "rest-hook",
            "endpoint": address,
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": CONTENT, "valueCode": "id-only"}]},
            "header": [f"Authorization: Bearer {secret}"],
        },
    }
