"""A submission's scores as values of the flowsheet rows that a customer has built: one coding, one number each."""

from collections.abc import Iterable, Mapping

from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.codes import PATIENT_SUPPLIED, RESTRICTED, JsonObject, number, reference
from fhir_alliance.records.observations import observation_identifier
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.scorer import Score
from fhir_alliance.settings import FlowsheetRow
from fhir_alliance.terms import OBSERVATION_CATEGORY, OBSERVATION_IDENTIFIER

LONGEST_NOTE = 254
"""Characters of a comment on a flowsheet value (spec part 6, Epic Observation.Create)."""


def build_rows(submission: Submission, rows: Iterable[FlowsheetRow], *, category: str) -> list[JsonObject]:
    """Return one Observation per score that has a number and a row; there is no guess for a score without a row.

    A flowsheet holds numbers only: a score that is not scorable is left out.
    """
    by_score: Mapping[str, FlowsheetRow] = {row.score: row for row in rows}
    codes = [
        (score, submission.instrument.code(submission.form.rater, score.scale.name)) for score in submission.scores
    ]
    return [
        _observation(submission, score, by_score[code], category)
        for score, code in codes
        if code in by_score and score.value is not None
    ]


def _observation(submission: Submission, score: Score, row: FlowsheetRow, category: str) -> JsonObject:
    identifier = observation_identifier(submission, score.scale.name)
    tags = [PATIENT_SUPPLIED] if submission.form.rater is Rater.PATIENT else []
    return {
        "resourceType": "Observation",
        "meta": {"security": [RESTRICTED], **({"tag": tags} if tags else {})},
        "identifier": [{"system": OBSERVATION_IDENTIFIER, "value": identifier}],
        "status": "final",
        "category": [{"coding": [{"system": OBSERVATION_CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": row.system, "code": row.code, "display": row.display}]},
        "subject": reference(submission.subject),
        **({"encounter": reference(submission.encounter)} if submission.encounter else {}),
        "effectiveDateTime": submission.authored_text,
        "valueQuantity": {"value": number(score.value or 0), "unit": row.unit},
        "note": [{"text": _note(submission, score)}],
    }


def _note(submission: Submission, score: Score) -> str:
    instrument = submission.instrument
    parts = [
        f"{score.answered} of {len(score.scale.items)} items answered.",
        "" if instrument.validated else "Unvalidated.",
        f"{instrument.display(submission.form.rater, score.scale.name, submission.language)}, {instrument.method_code}",
    ]
    return " ".join(filter(None, parts))[:LONGEST_NOTE]
