"""What is known of the Subscription at each EHR: its state, and up to which event everything was heard."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from fhir_alliance.errors import AllianceError
from fhir_alliance.store import transaction
from fhir_alliance.tables import visit_subscriptions
from fhir_alliance.topics.notification import BadNotification, Kind, Notification


class NotifierRefused(AllianceError):
    """Who calls our endpoint does not know the secret of the Subscription."""

    code = "notify.refused"
    http_status = 401
    sentence = "This is not from an EHR that was asked to call here."


class Standing(StrEnum):
    """Where a Subscription stands, in the words of FHIR; one that is not known to work is asked for again."""

    REQUESTED = "requested"
    ACTIVE = "active"
    ERROR = "error"
    OFF = "off"


@dataclass(frozen=True, kw_only=True)
class Subscribed:
    """One EHR's Subscription; `id` is None until the EHR has said it.

    Everything up to `last_event` was heard, nothing after `highest_event`: between them there may be events missing.
    """

    topic: str
    id: str | None
    state: str
    last_event: int
    highest_event: int
    asked: datetime
    checked: datetime
    heard: datetime | None
    secret_hash: str = field(repr=False)

    @property
    def has_gap(self) -> bool:
        """Whether events were missed."""
        return self.highest_event > self.last_event


class TopicBook:
    """Keeps one row for each EHR; of the secret only its hash."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def of(self, ehr: str) -> Subscribed | None:
        """Return the Subscription of an EHR, None before the first."""
        with self.engine.connect() as connection:
            return subscribed(connection, ehr)

    def begin(self, ehr: str, topic: str, *, subscription: str | None, at: datetime) -> str:
        """Write down that a Subscription is asked for, before it is; returns the new secret that it will send.

        What is known of the events of the same Subscription stays.
        """
        secret = secrets.token_urlsafe(32)
        values: dict[str, Any] = {
            "topic": topic,
            "secret_hash": _hash(secret),
            "subscription": subscription,
            "state": Standing.REQUESTED.value,
            "asked_at": at,
            "checked_at": at,
            "heard_at": None,
        }
        with transaction(self.engine) as connection:
            row = _locked(connection, ehr)
            if row is None:
                connection.execute(insert(visit_subscriptions).values(ehr=ehr, last_event=0, highest_event=0, **values))
            else:
                same = subscription is not None and row.subscription == subscription
                fresh = {} if same else {"last_event": 0, "highest_event": 0}
                _change(connection, ehr, **values, **fresh)
        return secret

    def require(self, ehr: str, secret: str) -> None:
        """Raise NotifierRefused unless a secret is the one that the Subscription of an EHR was given."""
        known = self.of(ehr)
        # Compared also where there is nothing to compare with, so that the time says nothing.
        same = hmac.compare_digest(_hash(secret), known.secret_hash if known else _hash(""))
        if not same or known is None:
            raise NotifierRefused("secret")

    def take(self, ehr: str, told: Notification, *, at: datetime) -> None:
        """Note what was told; what comes twice or late changes nothing.

        Raises BadNotification when it is about another Subscription.
        """
        with transaction(self.engine) as connection:
            row = _locked(connection, ehr)
            if row is None or row.subscription not in (None, told.subscription):
                raise BadNotification("another subscription")
            last, highest = row.last_event, row.highest_event
            for number in sorted(each.number for each in told.events):
                last = number if number == last + 1 else last
                highest = max(highest, number)
            if told.kind is not Kind.EVENT:
                highest = max(highest, told.count or 0)
            values = {"last_event": last, "highest_event": highest, "heard_at": at, "subscription": told.subscription}
            state = told.state if told.kind is not Kind.HANDSHAKE else Standing.ACTIVE.value
            _change(connection, ehr, **values, **({"state": state} if state else {}))

    def keep(self, ehr: str, **values: Any) -> None:
        """Write down what was found out about a Subscription, by the names of the columns."""
        with transaction(self.engine) as connection:
            _change(connection, ehr, **values)

    def recovered(self, ehr: str, *, until: int) -> None:
        """Write down that nothing up to an event is missing any more."""
        with transaction(self.engine) as connection:
            row = _locked(connection, ehr)
            if row is not None and row.last_event < until:
                _change(connection, ehr, last_event=until, highest_event=max(until, row.highest_event))


def subscribed(connection: Connection, ehr: str) -> Subscribed | None:
    """Return the Subscription of an EHR, None before the first."""
    row = connection.execute(select(visit_subscriptions).where(visit_subscriptions.c.ehr == ehr)).one_or_none()
    return None if row is None else _subscribed(row)


def _locked(connection: Connection, ehr: str) -> Row[Any] | None:
    mine = select(visit_subscriptions).where(visit_subscriptions.c.ehr == ehr)
    return connection.execute(mine.with_for_update()).one_or_none()


def _change(connection: Connection, ehr: str, **values: Any) -> None:
    connection.execute(update(visit_subscriptions).where(visit_subscriptions.c.ehr == ehr).values(**values))


def _subscribed(row: Row[Any]) -> Subscribed:
    return Subscribed(
        topic=row.topic,
        id=row.subscription,
        state=row.state,
        last_event=row.last_event,
        highest_event=row.highest_event,
        asked=row.asked_at,
        checked=row.checked_at,
        heard=row.heard_at,
        secret_hash=row.secret_hash,
    )


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
