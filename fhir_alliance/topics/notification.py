"""Reading what an EHR sends to our endpoint: a history Bundle that begins with a status (spec row W08)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from fhir_alliance.errors import AllianceError
from fhir_alliance.strict_json import strict_json

_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_SUBSCRIPTION: Final = re.compile(r"(?:\A|/)Subscription/([A-Za-z0-9.-]{1,64})\Z")
_VISIT: Final = re.compile(r"(?:Encounter|Appointment)/(?!\.{1,2}\Z)[A-Za-z0-9.-]{1,64}")
_STATE: Final = re.compile(r"[a-z-]{1,32}")
_MOST_EVENTS: Final = 1000

Json = Mapping[str, Any]


class BadNotification(AllianceError):
    """A body that is no notification to us; the detail says which part, never what it held."""

    code = "notify.request"
    http_status = 400
    sentence = "This is not a notification of a topic subscription for this address."


class Kind(StrEnum):
    """What a notification is about; the last is the answer to a question of ours."""

    HANDSHAKE = "handshake"
    HEARTBEAT = "heartbeat"
    EVENT = "event-notification"
    EVENTS = "query-event"
    STATUS = "query-status"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event by its number; `visit` is the reference that has changed, None where it is not a visit of the EHR."""

    number: int
    visit: str | None


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What was told of one Subscription; `count` is how many events there were since it began, None when not said."""

    kind: Kind
    subscription: str
    state: str | None
    count: int | None
    events: tuple[Event, ...]


def read_body(body: bytes, *, fhir_base: str) -> Notification:
    """Read the body of a call to our endpoint; raises BadNotification."""
    try:
        return read_notification(strict_json(body), fhir_base=fhir_base)
    except ValueError:
        raise BadNotification("not JSON") from None


def read_notification(bundle: Any, *, fhir_base: str) -> Notification:
    """Read a notification, or what `$events` or `$status` answer; raises BadNotification.

    Parameters are called by the names of the profile, or in camel case as some servers do. Resources that came along
    are not looked at: we ask for none, and believe only what we read ourselves.
    """
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise BadNotification("no Bundle")
    entries = bundle.get("entry")
    first = entries[0] if isinstance(entries, list) and entries else None
    status = first.get("resource") if isinstance(first, dict) else None
    if not isinstance(status, dict) or status.get("resourceType") != "Parameters":
        raise BadNotification("no status")
    told = list(_parts(status.get("parameter")))
    events = tuple(_event(each, fhir_base) for name, each in told if name == "notificationevent")
    if len(events) > _MOST_EVENTS:
        raise BadNotification("too many events")
    values = dict(told)
    found = _SUBSCRIPTION.search(_reference(values.get("subscription")))
    if found is None:
        raise BadNotification("no subscription")
    count = _value(values.get("eventssincesubscriptionstart"))
    return Notification(
        kind=_kind(_value(values.get("type"))),
        subscription=found[1],
        state=_state(_value(values.get("status"))),
        count=None if count is None else _number(count),
        events=events,
    )


def _parts(value: Any) -> Iterator[tuple[str, Json]]:
    """Yield the parameters by their names, whichever way they are written."""
    if not isinstance(value, list):
        raise BadNotification("no parameters")
    for each in value:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise BadNotification("parameter")
        yield each["name"].replace("-", "").lower(), each


def _event(parameter: Json, fhir_base: str) -> Event:
    parts = dict(_parts(parameter.get("part")))
    focus = _reference(parts.get("focus")).removeprefix(f"{fhir_base}/").partition("/_history/")[0]
    return Event(number=_number(_value(parts.get("eventnumber"))), visit=focus if _VISIT.fullmatch(focus) else None)


def _kind(value: object) -> Kind:
    try:
        return Kind(str(value))
    except ValueError:
        raise BadNotification("type") from None


def _state(value: object) -> str | None:
    return value if isinstance(value, str) and _STATE.fullmatch(value) else None


def _number(value: object) -> int:
    """Read a number that R4 has as text (integer64 is not in it), and some servers as a number."""
    text = str(value)
    if isinstance(value, bool) or not _NUMBER.fullmatch(text) or not text.isascii():
        raise BadNotification("number")
    return int(text)


def _value(parameter: Json | None) -> object:
    return next((value for name, value in (parameter or {}).items() if name.startswith("value")), None)


def _reference(parameter: Json | None) -> str:
    value = (parameter or {}).get("valueReference")
    reference = value.get("reference") if isinstance(value, dict) else None
    return reference if isinstance(reference, str) else ""
