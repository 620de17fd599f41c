"""A QuestionnaireResponse from a file, checked against its form, and its scores as Observations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from fhir_alliance.errors import InvalidDefinition, InvalidResponse
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.records.bundle import collect_scores
from fhir_alliance.records.foreign import SCORED, check_response, check_response_shape, differing_claims
from fhir_alliance.records.foreign import score_response as score
from fhir_alliance.records.scored import key_of
from fhir_alliance.strict_json import strict_json

MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The Bundle of Observations as JSON text, and a line for each hidden score that says something else."""

    bundle: str
    remarks: tuple[str, ...]


def score_response(body: bytes, catalogue: Catalogue, *, at: datetime) -> Scored:
    """Score one QuestionnaireResponse at a time.

    Any installed form is scored, also one without words; the Observations of a draft say that it is one. Raises
    InvalidResponse, saying every fault, when the body is no finished response to the version of an installed form.
    """
    response = _read(body)
    try:
        instrument, form = catalogue.of_form(str(response.get("questionnaire")))
    except InvalidDefinition as error:
        raise InvalidResponse([f"questionnaire: {fault}" for fault in error.faults]) from None
    check_response(response, instrument, form)
    scored = score(response, instrument, form, key=key_of(response), at=at)
    bundle = collect_scores(scored, response=_reference(response, scored.key), status=SCORED[response["status"]])
    text = orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    remarks = (
        f"item {link_id}: the response claims another score than its answers give; printed is ours"
        for link_id in differing_claims(scored.scores, response)
    )
    return Scored(bundle=text, remarks=tuple(remarks))


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise InvalidResponse([f"the file is larger than {MAX_BYTES // 1024} KiB"])
    try:
        response = strict_json(body.decode("utf-8").encode())
    except UnicodeDecodeError:
        raise InvalidResponse(["the file is not UTF-8"]) from None
    except ValueError as error:
        raise InvalidResponse([f"the file is not JSON as we accept it: {error}"]) from None
    if not isinstance(response, dict):
        raise InvalidResponse(["resourceType: is not QuestionnaireResponse"])
    check_response_shape(response)
    return response


def _reference(response: Mapping[str, Any], key: str) -> str:
    return f"QuestionnaireResponse/{response['id']}" if "id" in response else f"urn:uuid:{key}"
