"""Versions of a resource: the stamp in its meta, and the ETag a client names one by."""

import re
from datetime import UTC, datetime

from smart_app.sandbox.fhir.outcomes import Malformed
from smart_app.sandbox.fhir.terms import Resource

_ETAG = re.compile(r'(?:W/)?"?(\d{1,15})"?', re.ASCII)


def stamped(resource: Resource, *, version: int, at: str | None = None) -> Resource:
    """Return the resource with versionId and lastUpdated (an instant, or now) in its meta, which it keeps otherwise."""
    meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": at or _now()}
    head = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta}
    return {**head, **{name: value for name, value in resource.items() if name not in head}}


def etag(resource: Resource) -> str:
    """Return the weak ETag of a stored resource."""
    return f'W/"{resource["meta"]["versionId"]}"'


def expected_version(if_match: str | None) -> int | None:
    """Return the version an If-Match header names, None without one; raise Malformed when it is no ETag."""
    if if_match is None:
        return None
    found = _ETAG.fullmatch(if_match)
    if not found:
        raise Malformed('If-Match must be an ETag such as W/"3"')
    return int(found[1])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
