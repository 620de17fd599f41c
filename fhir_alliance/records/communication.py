"""The request to pass a patient's link on, for EHRs that send messages themselves."""

from datetime import datetime

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
        "identifier": [{"system": _IDENTIFIER, "value": f"urn:uuid:{key}"}],
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
