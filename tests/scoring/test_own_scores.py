"""Scores of a site's own forms: worked by hand, as a full engine gives them, and ours when the forms are ours."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirpathpy
import orjson
import pytest
from fhirpathpy.models import models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_alliance.instruments.catalogue import installed, shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.response import build_response
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers, asked_only
from fhir_alliance.scoring.scorer import Score, Scorer

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
EXAMPLE = installed(None, own_forms=EXAMPLES).instrument("session-feedback")
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition"


def _weight(codings: list[Any]) -> list[Any]:
    return [
        each["valueDecimal"] for coding in codings for each in coding.get("extension", []) if each["url"] == ORDINAL
    ]


OPTIONS = {"userInvocationTable": {"weight": {"fn": _weight, "arity": {0: []}, "nullable": False}}}


def answers_to(form: Form) -> st.SearchStrategy[dict[str, str]]:
    """Return any answers to a form, with questions left out."""
    return st.fixed_dictionaries({}, optional={item.link_id: _answer(item) for item in form.items})


def _answer(item: Item) -> st.SearchStrategy[str]:
    if item.span is None:
        return st.sampled_from([option.code for option in item.options])
    return st.decimals(item.span.minimum, item.span.maximum, places=item.span.decimals).map(str)


def in_engine(questionnaire: dict[str, Any], response: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what fhirpathpy makes of the expressions of a Questionnaire over a finished response."""
    context = {"resource": response}
    for each in questionnaire.get("extension", []):
        if each["url"].endswith("/variable"):
            context[each["valueExpression"]["name"]] = _run(each["valueExpression"], response, context)
    return {
        item["linkId"]: _run(each["valueExpression"], response, context)
        for item in questionnaire["item"]
        for each in item.get("extension", [])
        if each["url"] == f"{SDC}/sdc-questionnaire-calculatedExpression"
    }


def _run(written: dict[str, Any], response: dict[str, Any], context: dict[str, Any]) -> list[Any]:
    text = written["expression"]
    if text not in COMPILED:
        COMPILED[text] = fhirpathpy.compile(text, models["r4"], OPTIONS)
    return list(COMPILED[text](response, context))


COMPILED: dict[str, Any] = {}


def values(scores: tuple[Score, ...]) -> dict[str, Decimal | None]:
    """Return the value of each score by its name."""
    return {score.scale.name: score.value for score in scores}


@pytest.mark.parametrize(
    ("answers", "agreement", "overall"),
    [
        ({"heard": "fully", "direction": "mostly", "method": "partly", "hope": "7"}, "3.00", "73"),
        ({"heard": "fully", "direction": "mostly", "method": "mostly", "hope": "7"}, "3.33", "77"),
        ({"heard": "no", "direction": "no", "method": "no", "ease": "no", "hope": "0"}, "0.00", "0"),
        ({"heard": "fully", "direction": "fully", "hope": "9"}, None, None),
        ({"heard": "fully", "direction": "fully", "method": "little", "ease": "little"}, "2.50", None),
        ({"hope": "9"}, None, None),
        ({}, None, None),
    ],
)
def test_worked_by_hand(answers: dict[str, str], agreement: str | None, overall: str | None) -> None:
    """The example's mean needs three of four answers; 12.5 times it, plus 5 times the hope, is the overall score."""
    scores = Scorer(EXAMPLE.forms[0]).score(Answers(given=answers))

    assert values(scores) == {
        "agreement": agreement and Decimal(agreement),
        "overall": overall and Decimal(overall),
    }
    assert not any(score.failed for score in scores)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(answers=answers_to(EXAMPLE.forms[0]))
def test_full_engine_agrees(make_submission: Callable[..., Submission], answers: dict[str, str]) -> None:
    """For any answers, a full engine gives our scores over the response that we write, and so do we over its bytes."""
    form = EXAMPLE.forms[0]
    answers = asked_only(form, answers)
    submission = make_submission(answers, instrument=EXAMPLE, form="all")
    response = build_response(submission)

    found = in_engine(build_questionnaire(EXAMPLE, form), response)

    for score in submission.scores:
        given = [Decimal(str(each)).quantize(score.scale.step, "ROUND_HALF_UP") for each in found[score.scale.name]]
        assert answers == {} or given == ([] if score.value is None else [score.value])
    assert Scorer(form).score_response(orjson.dumps(response)) == submission.scores


OURS = [
    pytest.param(instrument, form, id=form.name)
    for instrument in shipped().instruments
    if instrument.wordings and instrument.scales
    for form in instrument.forms
    if form.rater is Rater.PATIENT
]


@pytest.fixture(scope="module")
def as_own(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Instrument, Form], Form]:
    """Read one of our published Questionnaires back as a site's own."""

    def read(instrument: Instrument, form: Form) -> Form:
        folder = tmp_path_factory.mktemp("forms") / "forms"
        folder.mkdir()
        published = json.dumps(build_questionnaire(instrument, form))
        (folder / "own.json").write_text(published.replace("https://fhir-alliance.org/", "https://clinic.example.org/"))
        catalogue = installed(None, own_forms=folder)
        assert catalogue.faults == ()
        return catalogue.instrument("own").forms[0]

    return read


@pytest.mark.parametrize(("instrument", "form"), OURS)
def test_our_own_forms_read_back(
    instrument: Instrument, form: Form, as_own: Callable[[Instrument, Form], Form]
) -> None:
    """Any Questionnaire of ours, installed as a site's, asks the same and has the same scores for any answers."""
    own = as_own(instrument, form)
    ours, theirs = Scorer(form), Scorer(own)

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(answers=answers_to(form))
    def check(answers: dict[str, str]) -> None:
        expected = [score.value for score in ours.score(Answers(given=answers))]
        assert [score.value for score in theirs.score(Answers(given=answers))] == expected

    assert [(item.link_id, item.codes, item.conditions) for item in own.items] == [
        (item.link_id, item.codes, item.conditions) for item in form.items
    ]
    check()
