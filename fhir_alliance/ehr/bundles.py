"""What became of each entry of a transaction: an overall 200 is not yet a yes."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from fhir_alliance.ehr.http import Reply
from fhir_alliance.ehr.outcomes import Written, located, refuse, resource_of
from fhir_alliance.errors import EhrError, EhrUnreachable

_STATUS = re.compile(r"([1-5]\d\d)(?:\s.*)?", re.DOTALL)  # "201", "201 Created" and more are seen


def entry_types(bundle: bytes) -> tuple[str, ...]:
    """Return the resource type of each entry of a Bundle of ours."""
    return tuple(entry["resource"]["resourceType"] for entry in orjson.loads(bundle)["entry"])


def entry_results(types: Sequence[str], reply: Reply) -> tuple[Written, ...]:
    """Match a transaction's answer with the types that were sent, entry by entry.

    Raises FhirError when every entry was refused, EhrUnreachable when some were or when the answer is not one to this
    request: then what is in the chart has to be looked up.
    """
    responses = _responses(reply)
    if len(responses) != len(types):
        raise EhrUnreachable("the answer has another number of entries than the request")
    statuses = [_status(response) for response in responses]
    refusals = [index for index, status in enumerate(statuses) if not 200 <= status < 300]
    if refusals and len(refusals) == len(types):
        first = refusals[0]
        refuse(statuses[first], responses[first].get("outcome"))
    if refusals:
        raise EhrUnreachable("the EHR took only a part of the entries")
    return tuple(map(_written, responses, types, statuses))


def _responses(reply: Reply) -> list[dict[str, Any]]:
    """Return `entry.response` of every entry; an OperationOutcome instead of a Bundle leaves the outcome open."""
    try:
        bundle = resource_of(reply)
    except EhrUnreachable:
        raise
    except EhrError as error:
        raise EhrUnreachable(error.detail) from None
    entries = bundle.get("entry")
    if bundle.get("type") != "transaction-response" or not isinstance(entries, list):
        raise EhrUnreachable("the answer is not a transaction-response")
    responses = [entry.get("response") for entry in entries if isinstance(entry, dict)]
    return [response for response in responses if isinstance(response, dict)]


def _status(response: dict[str, Any]) -> int:
    found = _STATUS.fullmatch(str(response.get("status")))
    if found is None:
        raise EhrUnreachable("an entry without a status")
    return int(found[1])


def _written(response: dict[str, Any], resource_type: str, status: int) -> Written:
    location, etag = (response.get(key) for key in ("location", "etag"))
    return located(str(location or ""), resource_type, status=status, etag=str(etag or ""))
