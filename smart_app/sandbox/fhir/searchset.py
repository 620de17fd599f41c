"""The Bundle a search answers with."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from smart_app.sandbox.fhir.query import Params
from smart_app.sandbox.fhir.store import SearchPage
from smart_app.sandbox.fhir.terms import Resource


def searchset(resource_type: str, page: SearchPage, included: Iterable[Resource], fhir_base: str) -> Resource:
    """Return a page of matches, and what they bring along, as a Bundle (FHIR R4, search.html).

    `total` counts matches only; the self link holds the parameters that took effect.
    """
    links = {"self": page.used, "next": page.next}
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": page.total,
        "link": [
            {"relation": relation, "url": _url(f"{fhir_base}/{resource_type}", params)}
            for relation, params in links.items()
            if params is not None
        ],
    }
    entries = [_entry(resource, "match", fhir_base) for resource in page.resources]
    entries += [_entry(resource, "include", fhir_base) for resource in included]
    return {**bundle, "entry": entries} if entries else bundle


def _entry(resource: Resource, mode: str, fhir_base: str) -> Resource:
    return {
        "fullUrl": f"{fhir_base}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        "search": {"mode": mode},
    }


def _url(address: str, params: Params) -> str:
    return f"{address}?{urlencode(params, safe='/:,')}" if params else address
