"""How the endpoint answers: FHIR JSON with a tag by which a reader can ask whether it is still the same."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from flask import Response, request

from smart_app.web.fhir.asking import Asked
from smart_app.web.fhir.refusals import FHIR_JSON, ROOT
from smart_app.web.services import services

Resource = Mapping[str, Any]


def base_url() -> str:
    """Return the address of the endpoint."""
    return f"{services().settings.public_url}{ROOT}"


def reply(resource: Resource) -> Response:
    """Return a resource, or 304 to who has it already (`If-None-Match`)."""
    body = orjson.dumps(resource)
    response = Response(body, mimetype=FHIR_JSON)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response


def searchset(
    asked: Asked,
    kind: str,
    resources: Iterable[Resource],
    *,
    base: str,
    total: int | None = None,
    next_page: str = "",
) -> Resource:
    """Return one page of a search; its `self` link holds what was understood of it."""
    links = [{"relation": "self", "url": asked.address(base, kind, page=asked.page)}]
    if next_page:
        links.append({"relation": "next", "url": asked.address(base, kind, page=next_page)})
    entries = [
        {"fullUrl": f"{base}/{kind}/{each['id']}", "resource": each, "search": {"mode": "match"}} for each in resources
    ]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        **({} if total is None else {"total": total}),
        "link": links,
        **({"entry": entries} if entries else {}),
    }
