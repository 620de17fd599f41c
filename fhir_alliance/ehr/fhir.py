"""The FHIR verbs, with what came back checked before anybody sees it."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from fhir_alliance.ehr.bundles import entry_results, entry_types
from fhir_alliance.ehr.http import Door, Reply
from fhir_alliance.ehr.outcomes import Written, refused, resource_of, written
from fhir_alliance.ehr.paging import SearchResult, all_pages
from fhir_alliance.ehr.references import relative
from fhir_alliance.errors import EhrError, InvalidResource

_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9.-]{1,64}")  # FHIR id; "." and ".." would be another path (T32)
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_FHIR_JSON = "application/fhir+json"


class FhirClient:
    """One EHR's FHIR server as seen with one access token.

    Refusals are FhirError (401 SignInNeeded, 409 and 412 Conflict). EhrUnreachable on a write means that its outcome is
    unknown: look it up before sending again. References to resources of this EHR are relative in what comes back.
    """

    def __init__(self, door: Door, fhir_base: str, token: str) -> None:
        self._door = door
        self._base = fhir_base.rstrip("/")
        self._token = token

    def __repr__(self) -> str:
        return f"FhirClient({self._base!r})"

    def read(self, resource_type: str, id: str) -> dict[str, Any]:  # noqa: A002  # FHIR's own word
        """Return one resource; raises EhrError when another type or id came back (T58)."""
        resource = self._resource(self._request("GET", self._url(resource_type, id)))
        if (resource["resourceType"], resource.get("id")) != (resource_type, id):
            raise EhrError("another resource came back")
        return resource

    def search(self, resource_type: str, params: Sequence[tuple[str, str]], *, seconds: float = 60.0) -> SearchResult:
        """Return the matches of a search over all its pages, as far as 20 pages, 1,000 entries and `seconds` go.

        Servers may ignore a parameter they do not know, so what came back still has to be compared.
        """

        def page(url: str, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
            return self._resource(self._request("GET", url, params=query))

        return all_pages(page, self._url(resource_type), params, base=self._base, seconds=seconds)

    def ask(
        self,
        resource_type: str,
        id: str,  # noqa: A002  # FHIR's own word
        operation: str,
        params: Sequence[tuple[str, str]],
    ) -> dict[str, Any]:
        """Return what an operation on one resource answers that changes nothing, by its name without the `$`."""
        return self._resource(self._request("GET", f"{self._url(resource_type, id)}/${operation}", params=params))

    def create(self, resource: dict[str, Any], *, if_none_exist: str | None = None) -> Written:
        """Create a resource; `if_none_exist` is the query of a conditional create, such as "identifier=...".

        Status 201 is a new resource, 200 one that was there, 202 one that waits for review.
        """
        headers = {"If-None-Exist": if_none_exist} if if_none_exist else {}
        url = self._url(str(resource.get("resourceType")))
        return written(self._write("POST", url, orjson.dumps(resource), headers), resource["resourceType"])

    def update(self, resource: dict[str, Any], *, if_match: str) -> Written:
        """Replace a resource if `if_match` (its meta.versionId) is still the current version; else Conflict."""
        url = self._url(str(resource.get("resourceType")), str(resource.get("id")))
        headers = {"If-Match": f'W/"{_checked(_ID, if_match)}"'}
        return written(self._write("PUT", url, orjson.dumps(resource), headers), resource["resourceType"])

    def transaction(self, bundle: bytes) -> tuple[Written, ...]:
        """Send a transaction Bundle (its bytes, unchanged); return what became of each entry, in order.

        Every entry's own status is read: raises the FhirError of the first entry when all were refused, PartlyWritten
        when some were (a server may not be atomic), EhrUnreachable when the answer does not fit the request.
        """
        types = entry_types(bundle)
        return entry_results(types, self._write("POST", self._base, bundle, {}))

    def _resource(self, reply: Reply) -> dict[str, Any]:
        return dict(relative(resource_of(reply), self._base))

    def _url(self, *path: str) -> str:
        rules = (_TYPE, _ID)
        return "/".join([self._base, *(_checked(rule, part) for rule, part in zip(rules, path, strict=False))])

    def _write(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        return self._request(
            method, url, body=body, headers={"Content-Type": _FHIR_JSON, "Prefer": "return=minimal", **headers}
        )

    def _request(
        self,
        method: str,
        url: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        reply = self._door.request(
            method,
            url,
            token=self._token,
            params=params,
            body=body,
            headers={"Accept": _FHIR_JSON, **(headers or {})},
        )
        if not reply.ok:
            refused(reply)
        return reply


def _checked(rule: re.Pattern[str], value: str) -> str:
    if not rule.fullmatch(value):
        raise InvalidResource(["a resource type, id or version that FHIR does not allow"])
    return value
