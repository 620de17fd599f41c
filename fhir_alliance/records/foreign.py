"""A QuestionnaireResponse that somebody else wrote: checked against its form, and scored by us."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fhir_alliance.errors import InvalidResource, InvalidResponse
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.questionnaire import score_link_id
from fhir_alliance.records.answers import answer_faults, claimed_scores, read_answers
from fhir_alliance.records.checks import check_shape
from fhir_alliance.records.scored import ScoredResponse
from fhir_alliance.scoring.scorer import Score, Scorer

SCORED: Mapping[str, str] = {"completed": "final", "amended": "amended"}
"""The status of the Observations, by that of the response; other responses are not finished, or withdrawn."""


def check_response_shape(response: Mapping[str, Any]) -> None:
    """Raise InvalidResponse unless this is a QuestionnaireResponse of FHIR R4, with every fault of its shape."""
    if response.get("resourceType") != "QuestionnaireResponse":
        raise InvalidResponse(["resourceType: is not QuestionnaireResponse"])
    if _holds_null(response):
        raise InvalidResponse(["not a QuestionnaireResponse of FHIR R4: null stands for no value in it"])
    try:
        check_shape({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": response}]})
    except InvalidResource as error:
        raise InvalidResponse([f"not a QuestionnaireResponse of FHIR R4: {fault}" for fault in error.faults]) from None


def check_response(response: Mapping[str, Any], instrument: Instrument, form: Form) -> None:
    """Raise InvalidResponse, saying every fault, unless a response of FHIR's shape is a finished one to this form."""
    if faults := [*_faults(response), *answer_faults(response, instrument, form)]:
        raise InvalidResponse(faults)
    if not form.scales:
        raise InvalidResponse([f"questionnaire: {instrument.name} has no score, because its key is not known"])


def score_response(
    response: Mapping[str, Any], instrument: Instrument, form: Form, *, key: str, at: datetime
) -> ScoredResponse:
    """Score a checked response at a time; `key` is the UUID that the identifiers of its scores are made of."""
    answers = read_answers(response, form)
    return ScoredResponse(
        key=key,
        instrument=instrument,
        form=form,
        language=response.get("language", "en"),
        subject=response["subject"]["reference"],
        encounter=referred(response, "encounter"),
        source=referred(response, "source") or referred(response, "author"),
        answers=answers,
        declined=answers.empty and bool(answers.skipped),
        scores=Scorer(form).score(answers),
        authored_text=response["authored"],
        scored_text=at.isoformat(timespec="seconds"),
    )


def differing_claims(scores: Sequence[Score], response: Mapping[str, Any]) -> Iterator[str]:
    """Yield the linkIds of hidden scores that the answers do not give.

    What rounding alone makes different is none of them: others may not round.
    """
    claimed = claimed_scores(response)
    for score in scores:
        link_id = score_link_id(score.scale)
        claim = claimed.get(link_id, score.value)
        if claim is not None and (score.value is None or 2 * abs(claim - score.value) > score.scale.step):
            yield link_id


def referred(response: Mapping[str, Any], element: str) -> str | None:
    """Return what an element of a response refers to, None when it does not."""
    reference: str | None = response.get(element, {}).get("reference")
    return reference


def _faults(response: Mapping[str, Any]) -> Iterator[str]:
    if response["status"] not in SCORED:
        yield "status: only a completed or amended response is scored"
    authored = response.get("authored")
    if not isinstance(authored, str) or len(authored) < len("2026-01-01"):
        yield "authored: is missing, or does not say the day of the scores"
    if not response.get("subject", {}).get("reference", "").startswith("Patient/"):
        yield "subject: is missing, or not a relative reference to a Patient"


def _holds_null(value: Any) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(_holds_null(child) for child in children)
