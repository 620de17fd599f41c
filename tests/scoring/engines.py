"""Any answers to a form, and what three engines make of them: scorer, published expressions, columns."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import fhirpathpy
import orjson
from fhirpathpy.models import models
from hypothesis import strategies as st

from fhir_alliance.instruments.catalogue import read_catalogue, shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.expressions import score_expression
from fhir_alliance.instruments.items import Item
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.columns import ANSWERS_TYPE, score_columns
from fhir_alliance.scoring.scorer import Scorer

Given = dict[str, str]
ORDINAL: Final = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
# Definitions of no real instrument, for what none that ships needs: weights, multipliers, answers below zero.
INVENTED: Final = read_catalogue(Path(__file__).parent / "definitions")
DATABASE: Final = duckdb.connect()


def scored_forms() -> Iterator[tuple[Instrument, Form]]:
    """Yield the longest form of each instrument: it holds every item and scale, and both raters' hold the same."""
    for instrument in (*shipped().instruments, *INVENTED.instruments):
        if instrument.scales:
            yield instrument, max(instrument.forms, key=lambda form: len(form.items))


def answers_to(form: Form) -> st.SearchStrategy[Given]:
    """Return any answers to a form's scored items, with items left out."""
    return st.fixed_dictionaries({}, optional={item.link_id: _answer_to(item) for item in form.scored_items})


def _answer_to(item: Item) -> st.SearchStrategy[str]:
    if item.span is None:
        return st.sampled_from([option.code for option in item.options])
    return st.decimals(item.span.minimum, item.span.maximum, places=item.span.decimals).map(str)


def assert_published_agree(instrument: Instrument, form: Form, given: Given) -> None:
    """Assert that the answers, the response and the published expressions give one score of each scale."""
    response = as_response(form, given)

    scores = Scorer(form).score(Answers(given=given))

    assert Scorer(form).score_response(orjson.dumps(response)) == scores
    assert published_scores(instrument, form, response) == [
        [] if score.value is None else [score.value] for score in scores
    ]


def assert_columns_agree(instrument: Instrument, form: Form, sets: Sequence[Given]) -> None:
    """Assert that the column expressions give the scores, to the last decimal."""
    scorer = Scorer(form)

    rows = from_columns(instrument, form, sets)

    assert rows == [{score.scale.name: score.value for score in scorer.score(Answers(given=given))} for given in sets]


def as_response(form: Form, given: Given) -> dict[str, Any]:
    """Return the answers as a QuestionnaireResponse holds them."""
    return {"resourceType": "QuestionnaireResponse", "item": list(_items(form, given))}


def _items(form: Form, given: Given) -> Iterator[dict[str, Any]]:
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


def published_scores(instrument: Instrument, form: Form, response: dict[str, Any]) -> list[list[Decimal]]:
    """Return what each published expression finds in a response, rounded as we round; empty when not scorable."""
    found = [run(response, {"resource": response}) for run in _compiled(instrument, form)]
    steps = [Decimal(1).scaleb(-scale.decimals) for scale in form.scales]
    return [
        [Decimal(str(value)).quantize(step, "ROUND_HALF_UP") for value in values]
        for values, step in zip(found, steps, strict=True)
    ]


def _compiled(instrument: Instrument, form: Form) -> list[Any]:
    """Return each scale's published expression, compiled once."""
    return [_compile(score_expression(scale, instrument.items)) for scale in form.scales]


@cache
def _compile(expression: str) -> Any:
    return fhirpathpy.compile(expression, models["r4"], OPTIONS)


def _weight(codings: list[Any]) -> list[Any]:
    """SDC's `weight()`, which the FHIRPath engine leaves to its host."""
    return [
        extension["valueDecimal"]
        for coding in codings
        for extension in coding.get("extension", [])
        if extension["url"] == ORDINAL
    ]


OPTIONS: Final = {"userInvocationTable": {"weight": {"fn": _weight, "arity": {0: []}, "nullable": False}}}


def from_columns(instrument: Instrument, form: Form, sets: Sequence[Given]) -> list[dict[str, Decimal | None]]:
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
