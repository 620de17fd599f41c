"""Everything one submission writes, as one FHIR transaction that may be repeated without harm."""

from functools import cache
from urllib.parse import quote
from uuid import UUID, uuid5

from fhir_alliance.records.checks import check_bundle
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.records.observations import build_panel, build_scores
from fhir_alliance.records.provenance import build_provenance
from fhir_alliance.records.response import build_response
from fhir_alliance.records.scored import ScoredForm
from fhir_alliance.records.submission import Submission


def write_bundle(submission: Submission) -> JsonObject:
    """Return the transaction: response, scores, panel, and last the Provenance, which a server may refuse.

    References between them are `urn:uuid:` made from the submission key: the same submission gives the same bytes.
    Raises InvalidResource when a required code or an invariant does not hold.
    """
    response_url = f"urn:uuid:{submission.key}"
    response = build_response(submission)
    observations = _observations(submission, response_url, submission.namespace)
    targets = [response_url, *(url for url, _ in observations)]
    provenance = build_provenance(submission, response=response_url, targets=targets)
    bundle: JsonObject = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            _entry(response_url, response),
            *(_entry(url, observation) for url, observation in observations),
            _entry(f"urn:uuid:{uuid5(submission.namespace, 'provenance')}", provenance),
        ],
    }
    check_bundle(bundle)
    return bundle


def collect_scores(scored: ScoredForm, *, response: str, status: str) -> JsonObject:
    """Return the Observations alone, as a collection; `response` is the reference they derive from.

    Raises InvalidResource when a required code or an invariant does not hold.
    """
    entries = [
        {"fullUrl": url, "resource": {**observation, "status": status}}
        for url, observation in _observations(scored, response, UUID(scored.key))
    ]
    bundle: JsonObject = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    check_bundle(bundle)
    return bundle


def _observations(scored: ScoredForm, response: str, namespace: UUID) -> list[tuple[str, JsonObject]]:
    """Return the scores and then their panel, each with the URL the others refer to it by; nothing without scores."""
    if not scored.scores:
        return []
    scores = [(_url(namespace, score), score) for score in build_scores(scored, response=response)]
    panel = build_panel(scored, response=response, members=[url for url, _ in scores])
    return [*scores, (_url(namespace, panel), panel)]


def _url(namespace: UUID, observation: JsonObject) -> str:
    return f"urn:uuid:{uuid5(namespace, observation['identifier'][0]['value'])}"


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
