"""Everything one submission writes, as one FHIR transaction that may be repeated without harm."""

from functools import cache
from urllib.parse import quote
from uuid import uuid5

from fhir_alliance.records.checks import check_bundle
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.records.observations import build_panel, build_scores
from fhir_alliance.records.provenance import build_provenance
from fhir_alliance.records.response import build_response
from fhir_alliance.records.submission import Submission


def write_bundle(submission: Submission) -> JsonObject:
    """Return the transaction: response, scores, panel, and last the Provenance, which a server may refuse.

    References between them are `urn:uuid:` made from the submission key: the same submission gives the same bytes.
    Raises InvalidResource when a required code or an invariant does not hold.
    """
    response_url = f"urn:uuid:{submission.key}"
    response = build_response(submission)
    scores = list(build_scores(submission, response=response_url))
    score_urls = [_url(submission, score) for score in scores]
    panel = build_panel(submission, response=response_url, members=score_urls)
    panel_url = _url(submission, panel)
    targets = [response_url, *score_urls, panel_url]
    provenance = build_provenance(submission, response=response_url, targets=targets)
    bundle: JsonObject = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            _entry(response_url, response),
            *(_entry(url, score) for url, score in zip(score_urls, scores, strict=True)),
            _entry(panel_url, panel),
            _entry(f"urn:uuid:{uuid5(submission.namespace, 'provenance')}", provenance),
        ],
    }
    check_bundle(bundle)
    return bundle


def _url(submission: Submission, observation: JsonObject) -> str:
    return f"urn:uuid:{uuid5(submission.namespace, observation['identifier'][0]['value'])}"


def _entry(url: str, resource: JsonObject) -> JsonObject:
    request = {"method": "POST", "url": resource["resourceType"]}
    identifiers = resource.get("identifier")
    if identifiers:
        first = identifiers[0] if isinstance(identifiers, list) else identifiers
        request["ifNoneExist"] = f"identifier={_quoted(first['system'])}%7C{quote(first['value'], safe=':')}"
    return {"fullUrl": url, "resource": resource, "request": request}


@cache
def _quoted(system: str) -> str:
    """Quote one of our few identifier systems."""
    return quote(system, safe=":/")
