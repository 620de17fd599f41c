"""What became of each entry of a transaction: an overall 200 is not yet a yes."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from fhir_alliance.ehr.http import Reply
from fhir_alliance.ehr.outcomes import Written, located, refusal_of, resource_of
from fhir_alliance.errors import EhrError, EhrUnreachable, PartlyWritten

# A server that is not atomic may own up to it by how it answers.
_ANSWERS = frozenset({"transaction-response", "batch-response"})
_STATUS = re.compile(r"([1-5]\d\d)(?:\s.*)?", re.DOTALL)  # "201", "201 Created" and more are seen


def entry_types(bundle: bytes) -> tuple[str, ...]:
    """Return the resource type of each entry of a Bundle of ours."""
    return tuple(entry["resource"]["resourceType"] for entry in orjson.loads(bundle)["entry"])


def entry_results(types: Sequence[str], reply: Reply) -> tuple[Written, ...]:
    """Match a transaction's answer with the types that were sent, entry by entry.

    Raises FhirError when every entry was refused, PartlyWritten when some were, and EhrUnreachable when the answer is
    not one to this request: then what is in the chart has to be looked up.
    """
    responses = _responses(reply)
    if len(responses) != len(types):
        raise EhrUnreachable("the answer has another number of entries than the request")
    statuses = [_status(response) for response in responses]
    known = [status for status in statuses if status is not None]
    # A refusal is one only when none of them may have been written: a 500 beside it leaves that open.
    if len(known) < len(statuses) or len({status // 100 for status in known}) > 1:
        raise PartlyWritten(statuses)
    if known and not 200 <= known[0] < 300:
        raise refusal_of(known[0], responses[0].get("outcome"))
    return tuple(map(_written, responses, types, known))


def _responses(reply: Reply) -> list[dict[str, Any]]:
    """Return `entry.response` of every entry; an OperationOutcome instead of a Bundle leaves the outcome open."""
    try:
        bundle = resource_of(reply)
    except EhrUnreachable:
        raise
    except EhrError as error:
        raise EhrUnreachable(error.detail) from None
    entries = bundle.get("entry")
    if bundle.get("type") not in _ANSWERS or not isinstance(entries, list):
        raise EhrUnreachable("the answer is not a transaction-response")
    responses = [entry.get("response") for entry in entries if isinstance(entry, dict)]
    return [response for response in responses if isinstance(response, dict)]


def _status(response: dict[str, Any]) -> int | None:
    found = _STATUS.fullmatch(str(response.get("status")))
    return int(found[1]) if found else None


def _written(response: dict[str, Any], resource_type: str, status: int) -> Written:
    location, etag = (response.get(key) for key in ("location", "etag"))
    return located(str(location or ""), resource_type, status=status, etag=str(etag or ""))
