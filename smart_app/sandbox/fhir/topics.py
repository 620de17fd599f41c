"""Topic subscriptions for R4 (Backport 1.1): tells subscribers of Encounters that have changed, id-only."""

from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import Any, Final

import requests

from smart_app.sandbox.fhir.outcomes import Unprocessable
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.fhir.terms import Resource

TOPIC: Final = "https://harbor.example.org/fhir/SubscriptionTopic/encounter"
"""The one topic: an Encounter that is new or has changed."""

_SECONDS: Final = 5
_PAUSE: Final = 10
_HEARTBEAT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period"


class Topics:
    """Follows a store's writes until it is closed; events are numbered for each Subscription, and kept that long.

    What a subscriber does not take is not sent again: then it has to ask for it.
    """

    def __init__(self, store: ResourceStore, fhir_base: str) -> None:
        self._store = store
        self._base = fhir_base
        self._events: dict[str, list[Resource]] = {}
        self._told: dict[str, float] = {}
        self._waiting: Queue[Resource] = Queue()
        self.muted = False
        store.on_written = self._waiting.put
        Thread(target=self._work, name="topics", daemon=True).start()

    def settle(self) -> None:
        """Wait until everything written before has been told."""
        self._waiting.join()

    def beat(self, now: float) -> None:
        """Send a heartbeat, at a time of the monotonic clock, to who has heard nothing for as long as they wanted."""
        for each in self._active():
            wanted = _period(each)
            if wanted is not None and now - self._told.get(each["id"], -wanted) >= wanted:
                self._tell(each, "heartbeat", [])

    def events(self, name: str, since: int, until: int | None) -> Resource:
        """Return the events of a Subscription from one number to another, as `$events` does."""
        subscription, known = self._store.read("Subscription", name), self._events.get(name, [])
        return self._bundle(subscription, "query-event", known[max(since - 1, 0) : until])

    def status(self, name: str) -> Resource:
        """Return how a Subscription is, as `$status` does."""
        return self._bundle(self._store.read("Subscription", name), "query-status", []) | {"type": "searchset"}

    def _work(self) -> None:
        while not self._store.closed:
            with suppress(Empty):
                resource = self._waiting.get(timeout=_PAUSE)
                with suppress(Exception):  # one that went wrong must not end the telling
                    self._follow(resource)
                self._waiting.task_done()
            with suppress(Exception):
                self.beat(monotonic())

    def _follow(self, resource: Resource) -> None:
        if resource["resourceType"] == "Subscription" and resource.get("status") == "requested":
            fits = resource.get("criteria") == TOPIC and self._tell(resource, "handshake", [])
            self._store.update({**resource, "status": "active" if fits else "error"})
        if resource["resourceType"] == "Encounter":
            for each in self._active():
                event = self._event(each["id"], resource)
                self._tell(each, "event-notification", [event])

    def _active(self) -> list[Resource]:
        return self._store.search("Subscription", [("status", "active"), ("_count", "100")]).resources

    def _event(self, name: str, resource: Resource) -> Resource:
        known = self._events.setdefault(name, [])
        parts = [
            {"name": "event-number", "valueString": str(len(known) + 1)},
            {"name": "timestamp", "valueInstant": datetime.now(UTC).isoformat()},
            {"name": "focus", "valueReference": {"reference": f"{self._base}/Encounter/{resource['id']}"}},
        ]
        known.append({"name": "notification-event", "part": parts})
        return known[-1]

    def _tell(self, subscription: Resource, kind: str, events: list[Resource]) -> bool:
        if self.muted:
            return False
        self._told[subscription["id"]] = monotonic()
        channel: dict[str, Any] = subscription["channel"]
        headers = dict(each.split(": ", 1) for each in channel.get("header", ()))
        headers["Content-Type"] = "application/fhir+json"
        body = self._bundle(subscription, kind, events)
        try:
            return requests.post(channel["endpoint"], json=body, headers=headers, timeout=_SECONDS).ok
        except requests.RequestException:
            return False

    def _bundle(self, subscription: Resource, kind: str, events: list[Resource]) -> Resource:
        name = subscription["id"]
        count = len(self._events.get(name, ()))
        told = [
            {"name": "subscription", "valueReference": {"reference": f"{self._base}/Subscription/{name}"}},
            {"name": "topic", "valueCanonical": subscription.get("criteria")},
            {"name": "status", "valueCode": subscription["status"]},
            {"name": "type", "valueCode": kind},
            {"name": "events-since-subscription-start", "valueString": str(count)},
        ]
        status = {"resourceType": "Parameters", "parameter": [*told, *events]}
        return {"resourceType": "Bundle", "type": "history", "entry": [{"resource": status}]}


def _period(subscription: Resource) -> int | None:
    """Return the seconds after which a subscriber wants to hear something; None where they did not say."""
    extensions = subscription["channel"].get("extension", ())
    return next((each.get("valueUnsignedInt") for each in extensions if each.get("url") == _HEARTBEAT), None)


def number(text: str | None) -> int | None:
    """Return an event's number as it was asked for; raise Unprocessable when it is none."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Unprocessable("an event number is a whole number")
    return int(text[:15])
