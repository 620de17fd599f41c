"""Scores of the visit check-in: worked by hand, and equal to the published expression for any answers."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirpathpy
import orjson
import pytest
from fhirpathpy.models import models
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Rater
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.records.response import build_response
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer

CASES = sorted((Path(__file__).parents[1] / "cases" / "visit-check-in").glob("*.json"))
CHECK_IN = shipped().instrument("visit-check-in")
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


def _weight(codings: list[Any]) -> list[Any]:
    """SDC's `weight()`, which the FHIRPath engine leaves to its host."""
    return [
        extension["valueDecimal"]
        for coding in codings
        for extension in coding.get("extension", [])
        if extension["url"] == ORDINAL
    ]


OPTIONS = {"userInvocationTable": {"weight": {"fn": _weight, "arity": {0: []}, "nullable": False}}}
EXPRESSIONS = {
    item["linkId"]: fhirpathpy.compile(extension["valueExpression"]["expression"], models["r4"], OPTIONS)
    for item in build_questionnaire(CHECK_IN, CHECK_IN.form(Rater.PATIENT, "full"))["item"]
    for extension in item.get("extension", [])
    if "valueExpression" in extension
}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_worked_example(path: Path) -> None:
    """Every example worked by hand from the instrument's rules scores as it says."""
    case = json.loads(path.read_text())
    form = CHECK_IN.form(Rater.PATIENT, case["form"])

    scores = Scorer(form).score(Answers(given=case["given"], skipped=frozenset(case["skipped"])))

    expected = {name: (value and Decimal(value), answered) for name, (value, answered) in case["scores"].items()}
    assert {score.scale.name: (score.value, score.answered) for score in scores} == expected


@settings(max_examples=40, deadline=None)
@given(
    answered=st.dictionaries(
        st.sampled_from([str(item) for item in range(1, 13)]), st.integers(0, 10).map(str), min_size=0
    )
)
def test_published_expressions_agree(answered: dict[str, str], make_submission: Any) -> None:
    """For any answers, our score is what a form filler computes from the published expression."""
    submission = make_submission(answered, form="full")
    response = build_response(submission)

    computed = {name: run(response, {"resource": response}) for name, run in EXPRESSIONS.items()}

    for score in submission.scores:
        found = [
            Decimal(str(value)).quantize(Decimal("0.0001"), "ROUND_HALF_UP")
            for value in computed[f"score-{score.scale.name}"]
        ]
        assert found == ([] if score.value is None else [score.value])
    assert Scorer(submission.form).score_response(orjson.dumps(response)) == submission.scores


def test_foreign_answers_do_not_count() -> None:
    """A response with answers that are none of the options, of other types or empty scores only what is ours."""
    form = CHECK_IN.form(Rater.PATIENT, "core")
    items: list[dict[str, Any]] = [
        {"linkId": "1", "answer": [{"valueCoding": {"code": "11"}}]},
        {"linkId": "2", "answer": [{"valueInteger": 7}]},
        {"linkId": "3", "answer": []},
        {"linkId": "4"},
        {"linkId": "elsewhere", "item": [{"linkId": "5", "answer": [{"valueCoding": {"code": "5"}}]}]},
    ]

    scores = Scorer(form).score_response(orjson.dumps({"item": items}))

    assert [(score.value, score.answered) for score in scores] == [(None, 1)]
