"""The request to pass a patient's link on, for EHRs that send messages themselves."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from fhir_alliance.records.codes import JsonObject

_IDENTIFIER = "urn:ietf:rfc:3986"


def build_communication_request(
    *, key: str, patient: str, requester: str, text: str, link: str, authored: datetime, expires: datetime
) -> JsonObject:
    """Return the CommunicationRequest: to a patient, from a clinician (relative references), with a text and a link.

    Without a `requester` it is one that no person has asked for.
    `key` is a UUID that makes a repeat harmless. The request says nothing but the text: no reason, no form, no visit.
    """
    return {
        "resourceType": "CommunicationRequest",
        "identifier": [{"system": _IDENTIFIER, "value": _value(key)}],
        "status": "active",
        "priority": "routine",
        "subject": {"reference": patient},
        "recipient": [{"reference": patient}],
        **({"requester": {"reference": requester}} if requester else {}),
        "payload": [{"contentString": text}, {"contentString": link}],
        "occurrencePeriod": {
            "start": authored.isoformat(timespec="seconds"),
            "end": expires.isoformat(timespec="seconds"),
        },
        "authoredOn": authored.isoformat(timespec="seconds"),
    }


def message_token(key: str) -> str:
    """Return how the request with a key is searched for by its identifier."""
    return f"{_IDENTIFIER}|{_value(key)}"


def key_in(request: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """Return which of these keys a CommunicationRequest, of any shape, was made with; None when it was with none."""
    values = {str(each.get("value")) for each in _parts(request, "identifier")}
    return next((key for key in keys if _value(key) in values), None)


def link_in(request: Mapping[str, Any]) -> str:
    """Return the link in a CommunicationRequest of ours, "" when it has none any more."""
    texts = [each.get("contentString") for each in _parts(request, "payload")]
    return str(texts[-1] or "") if texts else ""


def _parts(request: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = request.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _value(key: str) -> str:
    return f"urn:uuid:{key}"
