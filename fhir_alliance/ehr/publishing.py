"""Our definitions on an EHR's server: a published version never changes."""

from decimal import Decimal
from typing import Any, Literal

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import EhrError, FhirError, PublishConflict

_SERVER_OWNED = {"id", "meta", "text"}
_CANNOT_SEARCH = {400, 404, 405, 422, 501}
_CANNOT_CREATE_IF = {400, 405, 412, 422, 501}


def publish(client: FhirClient, resource: dict[str, Any]) -> Literal["created", "unchanged"]:
    """Bring a definition (with `url` and `version`) onto the server, unless it is there.

    Raises PublishConflict when this version is there with other content, EhrError when that cannot be found out.
    """
    if _is_published(client, resource):
        return "unchanged"
    if _create_if_absent(client, resource):
        return "created"
    if _is_published(client, resource):
        return "unchanged"
    client.create(resource)
    return "created"


def _is_published(client: FhirClient, resource: dict[str, Any]) -> bool:
    """Look for url **and** version ourselves: some servers ignore search parameters (sekmet-fhir 0.1.1: `url`)."""
    found = _search(client, resource)
    same = [one for one in found.resources if all(one.get(key) == resource[key] for key in ("url", "version"))]
    if any(content(one) != content(resource) for one in same):
        raise PublishConflict(f"{resource['url']}|{resource['version']}")
    if not same and not found.complete:
        raise EhrError("the server holds too many definitions to tell whether this one is published")
    return bool(same)


def _search(client: FhirClient, resource: dict[str, Any]) -> SearchResult:
    try:
        return client.search(resource["resourceType"], [("url", resource["url"])])
    except FhirError as error:
        if error.status not in _CANNOT_SEARCH:
            raise
        return client.search(resource["resourceType"], [])


def _create_if_absent(client: FhirClient, resource: dict[str, Any]) -> bool:
    """Create conditionally; False when the server found something itself, or refuses conditional creates.

    sekmet-fhir 0.1.1 refuses conditions on parameters it does not index; others match a condition they half understand.
    """
    try:
        condition = f"url={resource['url']}&version={resource['version']}"
        return client.create(resource, if_none_exist=condition).status == 201
    except FhirError as error:
        if error.status not in _CANNOT_CREATE_IF:
            raise
        return False


def content(resource: dict[str, Any]) -> Any:
    """Return what of a definition is ours: without what a server adds, without empty values, numbers by their value."""
    return _plain({key: value for key, value in resource.items() if key not in _SERVER_OWNED})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain for key, part in value.items() if not _is_empty(plain := _plain(part))}
    if isinstance(value, list):
        return [plain for part in value if not _is_empty(plain := _plain(part))]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
