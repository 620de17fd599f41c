"""A QuestionnaireResponse from a file, checked against its form, and its scores as Observations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from fhir_alliance.errors import InvalidDefinition, InvalidResource, InvalidResponse
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.questionnaire import score_link_id
from fhir_alliance.records.answers import answer_faults, claimed_scores, read_answers
from fhir_alliance.records.bundle import collect_scores
from fhir_alliance.records.checks import check_shape
from fhir_alliance.records.scored import ScoredResponse, key_of
from fhir_alliance.scoring.scorer import Score, Scorer
from fhir_alliance.strict_json import strict_json

MAX_BYTES: Final = 1024 * 1024

# The status of the Observations, by that of the response; other responses are not finished, or withdrawn.
_STATUS: Mapping[str, str] = {"completed": "final", "amended": "amended"}


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
    if faults := [*_faults(response), *answer_faults(response, instrument, form)]:
        raise InvalidResponse(faults)
    if not form.scales:
        raise InvalidResponse([f"questionnaire: {instrument.name} has no score, because its key is not known"])
    scored = _scored(response, instrument, form, at)
    bundle = collect_scores(scored, response=_reference(response, scored.key), status=_STATUS[response["status"]])
    text = orjson.dumps(bundle, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    return Scored(bundle=text, remarks=tuple(_remarks(scored.scores, response)))


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise InvalidResponse([f"the file is larger than {MAX_BYTES // 1024} KiB"])
    try:
        response = strict_json(body.decode("utf-8").encode())
    except UnicodeDecodeError:
        raise InvalidResponse(["the file is not UTF-8"]) from None
    except ValueError as error:
        raise InvalidResponse([f"the file is not JSON as we accept it: {error}"]) from None
    if not isinstance(response, dict) or response.get("resourceType") != "QuestionnaireResponse":
        raise InvalidResponse(["resourceType: is not QuestionnaireResponse"])
    if _holds_null(response):
        raise InvalidResponse(["not a QuestionnaireResponse of FHIR R4: null stands for no value in it"])
    try:
        check_shape({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": response}]})
    except InvalidResource as error:
        raise InvalidResponse([f"not a QuestionnaireResponse of FHIR R4: {fault}" for fault in error.faults]) from None
    return response


def _holds_null(value: Any) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(_holds_null(child) for child in children)


def _faults(response: Mapping[str, Any]) -> Iterator[str]:
    if response["status"] not in _STATUS:
        yield "status: only a completed or amended response is scored"
    authored = response.get("authored")
    if not isinstance(authored, str) or len(authored) < len("2026-01-01"):
        yield "authored: is missing, or does not say the day of the scores"
    if not response.get("subject", {}).get("reference", "").startswith("Patient/"):
        yield "subject: is missing, or not a relative reference to a Patient"


def _scored(response: Mapping[str, Any], instrument: Instrument, form: Form, at: datetime) -> ScoredResponse:
    answers = read_answers(response, form)
    return ScoredResponse(
        key=key_of(response),
        instrument=instrument,
        form=form,
        language=response.get("language", "en"),
        subject=response["subject"]["reference"],
        encounter=_referred(response, "encounter"),
        source=_referred(response, "source") or _referred(response, "author"),
        answers=answers,
        declined=answers.empty and bool(answers.skipped),
        scores=Scorer(form).score(answers),
        authored_text=response["authored"],
        scored_text=at.isoformat(timespec="seconds"),
    )


def _referred(response: Mapping[str, Any], element: str) -> str | None:
    reference: str | None = response.get(element, {}).get("reference")
    return reference


def _reference(response: Mapping[str, Any], key: str) -> str:
    return f"QuestionnaireResponse/{response['id']}" if "id" in response else f"urn:uuid:{key}"


def _remarks(scores: Sequence[Score], response: Mapping[str, Any]) -> Iterator[str]:
    """Yield the hidden scores that the answers do not give, but for what rounding alone does: others may not round."""
    claimed = claimed_scores(response)
    for score in scores:
        link_id = score_link_id(score.scale)
        claim = claimed.get(link_id, score.value)
        if claim is not None and (score.value is None or 2 * abs(claim - score.value) > score.scale.step):
            yield f"item {link_id}: the response claims another score than its answers give; printed is ours"
