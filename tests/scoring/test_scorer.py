"""Scores: worked by hand, and the same from our scorer, the published expression and the column expression."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.scoring.scorer import Scorer

from .engines import INVENTED, answers_to, as_response, assert_columns_agree, assert_published_agree, scored_forms

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*/*.json"))
FORMS = [pytest.param(instrument, form, id=instrument.name) for instrument, form in scored_forms()]


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
    assert_published_agree(instrument, form, data.draw(answers_to(form)))


@pytest.mark.parametrize(("instrument", "form"), FORMS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_columns_agree(instrument: Instrument, form: Form, data: st.DataObject) -> None:
    """For any answers, the column expression gives the score, to the last decimal."""
    assert_columns_agree(instrument, form, data.draw(st.lists(answers_to(form), min_size=20, max_size=20)))


def test_invented_definitions_load() -> None:
    """What the tests invent is read by the same rules as what ships."""
    assert INVENTED.faults == ()


# Worked by hand: factor * sum(w * x) / sum(w) over the answered items; a sum's factor is the weight of all its items.
WEIGHED: list[tuple[str, dict[str, str], list[str | None]]] = [
    # Items 2 and 5 are reversed, so 2 counts 9. Mean: (2·4 + 2·9 + 0.5·6 + 1·3) / 5.5. Sum, items 2 and 3 of four:
    # 8.4625 · (0.0625·9 + 3.7·6) / 3.7625. Items 1 and 4: 4 · (2·4 + 2·3) / 4.
    ("weighted", {"1": "4", "2": "1", "3": "6", "4": "3"}, ["5.818", "51.197", "14"]),
    ("weighted", {"5": "10"}, ["0", None, None]),
    # Items 2 and 3 are reversed, so they count 3: 10 · 13 / 9; 4 · 9; 0.35 · (3 + 1 + 12.5·1) / 14.5.
    ("multiplied", {str(item): "seldom" for item in range(1, 10)}, ["14", "36", "0"]),
    # 0.1 · 3.75 · (0.25·10 + 1.5·0.33) / 1.75.
    ("lines", {"1": "10", "4": "0.33"}, ["0.64", None]),
    # Half up is away from zero: -0.5 is -1. Item 4 is reversed and weighs 3: (-1 + 3·1) / 4.
    ("signed", {"1": "-1", "2": "0"}, ["-1", None, "-1"]),
    ("signed", {"1": "-1", "4": "-1"}, ["0", None, "1"]),
]


@pytest.mark.parametrize(("name", "answers", "scores"), WEIGHED)
def test_weights_and_multipliers(name: str, answers: dict[str, str], scores: list[str | None]) -> None:
    """Weighted and multiplied scores are those worked by hand, prorated by weight when items are missing."""
    form = INVENTED.instrument(name).forms[0]

    found = [score.value for score in Scorer(form).score(Answers(given=answers))]

    assert found == [score and Decimal(score) for score in scores]


def test_a_reversed_answer_is_turned_once() -> None:
    """Never at all counts 4 on a reversed item, in the response's own weight and in the score; 17 of 9 items give 18.9.

    Worked in the manner of CORE-10, whose form prints the values of items 2 and 3 turned already: mean times ten, one
    item may be missing.
    """
    instrument = INVENTED.instrument("multiplied")
    form = instrument.forms[0]
    given = dict.fromkeys(("1", "4", "5"), "often") | dict.fromkeys(("2", "3", "6", "7", "8", "9"), "never")
    response = as_response(form, given)

    nine, eight = (
        Scorer(form).score(Answers(given=each))[0].value
        for each in (given, {name: answer for name, answer in given.items() if name != "9"})
    )

    weights = [item["answer"][0]["valueCoding"]["extension"][0]["valueDecimal"] for item in response["item"][1:3]]
    assert weights == [4, 4]
    assert (nine, eight) == (Decimal(19), None)
    assert_published_agree(instrument, form, given)


@pytest.mark.parametrize(
    ("name", "scale", "least", "most", "weighing"),
    [
        ("weighted", "weighted-mean", "0", "10", "items 1, 2 × 2; item 3 × 0.5"),
        ("weighted", "weighted-sum", "0", "84.625", "items 5, 3 × 3.7; item 2 × 0.0625"),
        ("multiplied", "mean-times-ten", "0", "40", "the result × 10"),
        ("lines", "sum", "0", "3.75", "item 1 × 0.25; item 4 × 1.5; the result × 0.1"),
        ("signed", "mean", "-3", "3", ""),
    ],
)
def test_range_follows_the_weights(name: str, scale: str, least: str, most: str, weighing: str) -> None:
    """A scale's range, its percent of the maximum and its words follow weights and multiplier."""
    found = next(each for each in INVENTED.instrument(name).scales if each.name == scale)

    assert (found.minimum, found.maximum, found.weighing) == (Decimal(least), Decimal(most), weighing)
    assert [found.pomp(found.minimum), found.pomp(found.maximum)] == [0, 100]


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
