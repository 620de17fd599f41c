"""Scores: worked by hand, and the same from our scorer, the published expression and the column expression."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fhirpathpy
import orjson
import pytest
from fhirpathpy.models import models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.expressions import score_expression
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.scoring.columns import ANSWERS_TYPE, score_columns
from fhir_alliance.scoring.scorer import Scorer

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*/*.json"))
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
# The longest form of each instrument: it holds every item and every scale, and both raters' hold the same.
FORMS = [
    pytest.param(instrument, max(instrument.forms, key=lambda form: len(form.items)), id=instrument.name)
    for instrument in shipped().instruments
    if instrument.scales
]


def _weight(codings: list[Any]) -> list[Any]:
    """SDC's `weight()`, which the FHIRPath engine leaves to its host."""
    return [
        extension["valueDecimal"]
        for coding in codings
        for extension in coding.get("extension", [])
        if extension["url"] == ORDINAL
    ]


OPTIONS = {"userInvocationTable": {"weight": {"fn": _weight, "arity": {0: []}, "nullable": False}}}


def answers_to(form: Form) -> st.SearchStrategy[dict[str, str]]:
    """Return any answers to a form's scored items, with items left out."""
    return st.fixed_dictionaries({}, optional={item.link_id: answer_to(item) for item in form.scored_items})


def answer_to(item: Item) -> st.SearchStrategy[str]:
    """Return any answer to an item."""
    if item.span is None:
        return st.sampled_from([option.code for option in item.options])
    return st.decimals(item.span.minimum, item.span.maximum, places=item.span.decimals).map(str)


def as_response(form: Form, given: dict[str, str]) -> dict[str, Any]:
    """Return the answers as a QuestionnaireResponse holds them."""
    return {"resourceType": "QuestionnaireResponse", "item": list(_items(form, given))}


def _items(form: Form, given: dict[str, str]) -> Iterator[dict[str, Any]]:
    for item in form.scored_items:
        answer = given.get(item.link_id)
        if answer is None:
            yield {"linkId": item.link_id}
        elif item.span:
            yield {"linkId": item.link_id, "answer": [{"valueDecimal": float(answer)}]}
        else:
            value = next(option.value for option in item.options if option.code == answer)
            weight = [{"url": ORDINAL, "valueDecimal": int(value or 0)}]
            yield {"linkId": item.link_id, "answer": [{"valueCoding": {"code": answer, "extension": weight}}]}


def compiled(instrument: Instrument, form: Form) -> list[Any]:
    """Return each scale's published expression, compiled once."""
    if form.name not in COMPILED:
        expressions = [score_expression(scale, instrument.items) for scale in form.scales]
        COMPILED[form.name] = [fhirpathpy.compile(each, models["r4"], OPTIONS) for each in expressions]
    return COMPILED[form.name]


COMPILED: dict[str, list[Any]] = {}


def from_columns(instrument: Instrument, form: Form, sets: list[dict[str, str]]) -> list[dict[str, Decimal | None]]:
    """Return the scores that DuckDB computes from the column expressions, one row per set of answers."""
    columns = score_columns(form, instrument.items)
    wanted = ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
    rows = [[_struct(instrument, name, answer) for name, answer in given.items()] for given in sets]
    # The statement is made of our own definitions only; the answers are bound.
    statement = f"SELECT {wanted} FROM (SELECT unnest(?::{ANSWERS_TYPE}[]) AS answers)"  # noqa: S608
    return [dict(zip(columns, row, strict=True)) for row in DATABASE.execute(statement, [rows]).fetchall()]


def _struct(instrument: Instrument, name: str, answer: str) -> dict[str, Any]:
    on_line = instrument.items[name].span is not None
    return {"linkId": name, "code": None if on_line else answer, "number": Decimal(answer) if on_line else None}


DATABASE = duckdb.connect()


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_worked_example(path: Path) -> None:
    """Every example worked by hand from the instrument's rules scores as it says."""
    case = json.loads(path.read_text())
    instrument = shipped().instrument(path.parent.name)
    form = instrument.form(Rater(case.get("rater", "patient")), case["form"])
    answers = check_answers(form, Answers(given=case["given"], skipped=frozenset(case["skipped"])))

    scores = Scorer(form).score(answers)

    expected = {name: (value and Decimal(value), answered) for name, (value, answered) in case["scores"].items()}
    assert {score.scale.name: (score.value, score.answered) for score in scores} == expected


@pytest.mark.parametrize(("instrument", "form"), FORMS)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_published_expressions_agree(instrument: Instrument, form: Form, data: st.DataObject) -> None:
    """For any answers, what a form filler computes from the published expressions is our score, rounded once."""
    given = data.draw(answers_to(form))
    response = as_response(form, given)

    scores = Scorer(form).score(Answers(given=given))

    assert Scorer(form).score_response(orjson.dumps(response)) == scores
    for score, run in zip(scores, compiled(instrument, form), strict=True):
        step = Decimal(1).scaleb(-score.scale.decimals)
        found = [Decimal(str(value)).quantize(step, "ROUND_HALF_UP") for value in run(response, {"resource": response})]
        assert found == ([] if score.value is None else [score.value])


@pytest.mark.parametrize(("instrument", "form"), FORMS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_columns_agree(instrument: Instrument, form: Form, data: st.DataObject) -> None:
    """For any answers, the column expression gives the score, to the last decimal."""
    sets = data.draw(st.lists(answers_to(form), min_size=20, max_size=20))

    rows = from_columns(instrument, form, sets)

    scorer = Scorer(form)
    assert rows == [{score.scale.name: score.value for score in scorer.score(Answers(given=given))} for given in sets]


def test_foreign_answers_do_not_count(check_in: Instrument) -> None:
    """A response with answers that are none of the options, of other types or empty scores only what is ours."""
    form = check_in.form(Rater.PATIENT, "core")
    items: list[dict[str, Any]] = [
        {"linkId": "1", "answer": [{"valueCoding": {"code": "11"}}]},
        {"linkId": "2", "answer": [{"valueInteger": 7}]},
        {"linkId": "3", "answer": []},
        {"linkId": "4"},
        {"linkId": "elsewhere", "item": [{"linkId": "5", "answer": [{"valueCoding": {"code": "5"}}]}]},
    ]

    scores = Scorer(form).score_response(orjson.dumps({"item": items}))

    assert [(score.value, score.answered) for score in scores] == [(None, 1)]


@pytest.mark.parametrize(
    ("name", "scale", "value", "pomp"),
    [("wai-sr", "total", "46", "70.83"), ("srs", "total", "34", "85.00"), ("wai-s", "total", "70", "80.56")],
)
def test_percent_of_maximum(name: str, scale: str, value: str, pomp: str) -> None:
    """Scores of different ranges compare as percent of the maximum possible (worked numbers of the reference)."""
    found = next(each for each in shipped().instrument(name).scales if each.name == scale)

    assert found.pomp(Decimal(value)).quantize(Decimal("0.01")) == Decimal(pomp)
