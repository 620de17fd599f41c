"""What an EHR's answer means: success, refusal, or no usable answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from fhir_alliance.ehr.http import Reply
from fhir_alliance.errors import Conflict, EhrError, EhrUnreachable, FhirError, SignInNeeded

_REFUSALS: dict[int, type[FhirError]] = {401: SignInNeeded, 409: Conflict, 412: Conflict}
_ISSUE_CODE = re.compile(r"[a-z][a-z-]{1,39}")  # the IssueType value set; diagnostics may hold a patient's data
_LOCATION = re.compile(r"(?:\A|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/([A-Za-z0-9.-]{1,64}))?\Z")
_ETAG = re.compile(r'(?:W/)?"([A-Za-z0-9.-]{1,64})"')


@dataclass(frozen=True, kw_only=True)
class Written:
    """A write the EHR said yes to; what is in the chart is known only after reading it back (F12)."""

    id: str | None
    version: str | None
    status: int


def refusal_of(status: int, outcome: Any = None, *, retry_after: str | None = None) -> FhirError:
    """Return the error of an HTTP status; of the OperationOutcome only the issue codes are kept."""
    kind = _REFUSALS.get(status, FhirError)
    return kind(status, " ".join(issue_codes(outcome)), retry_after=retry_after)


def refused(reply: Reply) -> NoReturn:
    """Raise the FhirError of an answer that is not 2xx, whatever its body is."""
    try:
        outcome = reply.json()
    except EhrUnreachable:
        outcome = None
    raise refusal_of(reply.status, outcome, retry_after=reply.headers.get("Retry-After"))


def resource_of(reply: Reply) -> dict[str, Any]:
    """Return the resource in a 2xx answer.

    Raises EhrUnreachable when there is none to be read, EhrError when it is an OperationOutcome that reports an error.
    """
    body = reply.json()
    if not isinstance(body, dict) or not isinstance(body.get("resourceType"), str):
        raise EhrUnreachable("the answer is not a resource")
    if reports_error(body):
        raise EhrError(f"HTTP {reply.status} with an error: {' '.join(issue_codes(body))}")
    return body


def reports_error(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is an OperationOutcome with an error or a fatal issue."""
    if resource.get("resourceType") != "OperationOutcome":
        return False
    return any(issue.get("severity") in ("error", "fatal") for issue in _issues(resource))


def issue_codes(outcome: Any) -> list[str]:
    """Return the distinct issue codes of an OperationOutcome, at most five, sorted."""
    codes = {str(issue.get("code")) for issue in _issues(outcome)}
    return sorted(code for code in codes if _ISSUE_CODE.fullmatch(code))[:5]


def written(reply: Reply, resource_type: str) -> Written:
    """Read which version was written from a 2xx answer: Location and ETag, else the resource that came back.

    Raises EhrUnreachable when the body says something else than the status: the write must be looked up.
    """
    try:
        body = resource_of(reply) if reply.body.strip() else {}
    except EhrUnreachable:
        raise
    except EhrError as error:
        raise EhrUnreachable(error.detail) from None
    where = reply.headers.get("Location") or reply.headers.get("Content-Location") or ""
    found = located(where, resource_type, status=reply.status, etag=reply.headers.get("ETag"))
    if found.id is None and body.get("resourceType") == resource_type:
        meta = body.get("meta")
        version = meta.get("versionId") if isinstance(meta, dict) else None
        return Written(id=_text(body.get("id")), version=_text(version), status=reply.status)
    return found


def located(location: str, resource_type: str, *, status: int, etag: str | None) -> Written:
    """Take id and version from a Location; it is only read, never fetched, so its host does not matter (T57)."""
    place = _LOCATION.search(location)
    if place is None or place[1] != resource_type:
        return Written(id=None, version=None, status=status)
    tag = _ETAG.fullmatch(etag or "")
    return Written(id=place[2], version=place[3] or (tag[1] if tag else None), status=status)


def _issues(outcome: Any) -> list[dict[str, Any]]:
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    return [issue for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
