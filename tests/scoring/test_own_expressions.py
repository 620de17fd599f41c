"""Expressions of a site's own forms: variables, scores that use scores, and those that cannot be computed."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.instruments.catalogue import installed
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Score, Scorer

FHIR = "http://hl7.org/fhir/StructureDefinition"
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
CODES = "https://clinic.example.invalid/codes"
Scores = Callable[..., dict[str, tuple[Decimal | None, bool]]]


def variable(name: str, expression: str) -> dict[str, Any]:
    """Return a `variable` of SDC."""
    written = {"name": name, "language": "text/fhirpath", "expression": expression}
    return {"url": f"{FHIR}/variable", "valueExpression": written}


def score(link_id: str, expression: str, kind: str = "decimal", *more: dict[str, Any]) -> dict[str, Any]:
    """Return a hidden item with an expression."""
    written = {"language": "text/fhirpath", "expression": expression}
    return {
        "linkId": link_id,
        "text": link_id,
        "type": kind,
        "code": [{"system": CODES, "code": link_id}],
        "extension": [
            *more,
            {"url": f"{FHIR}/questionnaire-hidden", "valueBoolean": True},
            {"url": CALCULATED, "valueExpression": written},
        ],
    }


def number(link_id: str) -> dict[str, Any]:
    """Return a question answered by a whole number."""
    return {"linkId": link_id, "text": "How many?", "type": "integer"}


@pytest.fixture
def scores(tmp_path: Path) -> Scores:
    """Install a form of these items and variables, answer it, and return value and failure of each score."""

    def run(*items: dict[str, Any], extension: list[dict[str, Any]] | None = None, **given: str) -> Any:
        folder = tmp_path / "forms"
        folder.mkdir(exist_ok=True)
        form = {
            "resourceType": "Questionnaire",
            "url": "https://clinic.example.invalid/Questionnaire/own",
            "version": "1",
            "title": "Own",
            "status": "active",
            "code": [{"system": CODES, "code": "own"}],
            **({"extension": extension} if extension else {}),
            "item": list(items),
        }
        (folder / "own.json").write_text(json.dumps(form))
        catalogue = installed(None, own_forms=folder)
        assert catalogue.faults == ()
        found: tuple[Score, ...] = Scorer(catalogue.instrument("own").forms[0]).score(Answers(given=given))
        return {each.scale.name: (each.value, each.failed) for each in found}

    return run


def test_nearest_variable_counts(scores: Scores) -> None:
    """A variable of an item hides one of the same name around it, and may use it; elsewhere it is not seen."""
    group = {
        "linkId": "g",
        "type": "group",
        "extension": [variable("x", "%x + 10"), variable("y", "%x * 2")],
        "item": [number("a"), score("inner", "%x + %y")],
    }

    found = scores(group, score("outer", "%x"), extension=[variable("x", "1")], a="5")

    assert found == {"inner": (Decimal("33.0000"), False), "outer": (Decimal("1.0000"), False)}


def test_context_is_the_item_around(scores: Scores) -> None:
    """`%context` is the response's item of the place where the expression stands, for the whole form the response."""
    mine = variable("mine", "%context.item.where(linkId != 'sum').answer.value.sum()")
    group = {
        "linkId": "g",
        "type": "group",
        "extension": [mine],
        "item": [number("b"), number("c"), score("sum", "%mine")],
    }
    first = variable("first", "%context.item.first().answer.value")

    found = scores(number("a"), group, score("root", "%first"), extension=[first], a="1", b="2", c="3")

    assert found == {"sum": (Decimal("5.0000"), False), "root": (Decimal("1.0000"), False)}


def test_context_without_answers(scores: Scores) -> None:
    """The context of a score is its own item, without an answer; that of a group nobody was asked holds nothing."""
    when = [{"question": "a", "operator": ">", "answerInteger": 5}]
    inside = variable("inside", "%context.item.where(linkId = 'b').count()")
    group = {"linkId": "h", "type": "group", "extension": [inside], "item": [{**number("b"), "enableWhen": when}]}
    own = "iif(%context.linkId = 's' and %context.answer.empty(), 1, 0)"
    group["item"] += [score("s", own), score("t", "%inside")]

    found = scores(number("a"), group, a="1")

    assert found == {"s": (Decimal("1.0000"), False), "t": (Decimal("0.0000"), False)}


def test_weights_from_the_questionnaire(scores: Scores) -> None:
    """`%questionnaire` is the form: a score may look up an option's number there."""
    options = [
        {
            "valueCoding": {"system": CODES, "code": code},
            "extension": [{"url": f"{FHIR}/ordinalValue", "valueDecimal": value}],
        }
        for code, value in (("low", 0.5), ("high", 2))
    ]
    looked_up = (
        "%questionnaire.item.where(linkId = 'q').answerOption.where(valueCoding.code = "
        "%resource.item.where(linkId = 'q').answer.value.code).extension.where(url = "
        f"'{FHIR}/ordinalValue').valueDecimal"
    )

    found = scores(
        {"linkId": "q", "text": "?", "type": "choice", "answerOption": options}, score("s", looked_up), q="low"
    )

    assert found == {"s": (Decimal("0.5000"), False)}


def test_scores_use_scores(scores: Scores) -> None:
    """A score may use another, also one that stands after it, and several in a row."""
    value = "%resource.item.where(linkId = '{}').answer.value".format

    found = scores(
        number("a"), score("third", f"{value('second')} * 2"), score("second", f"{value('first')} + 1", "integer"),
        score("first", f"{value('a')} * 10", "integer"), a="4",
    )  # fmt: skip

    assert found == {
        "third": (Decimal("82.0000"), False),
        "second": (Decimal(41), False),
        "first": (Decimal(40), False),
    }


def test_scores_in_a_circle(scores: Scores) -> None:
    """Scores that never settle are not computed; the others are."""
    value = "iif({0}.exists(), {0}, 0)".format("%resource.item.where(linkId = 'grows').answer.value")

    found = scores(number("a"), score("grows", f"{value} + 1"), score("still", "1 + 1"), a="1")

    assert found == {"grows": (None, True), "still": (Decimal("2.0000"), False)}


RANGE = (
    {"url": f"{FHIR}/minValue", "valueDecimal": 0},
    {"url": f"{FHIR}/maxValue", "valueDecimal": 10},
)


@pytest.mark.parametrize(
    ("expression", "kind", "more"),
    [
        ("'text'", "decimal", ()),
        ("true", "decimal", ()),
        ("1 | 2", "decimal", ()),
        ("%resource", "decimal", ()),
        ("1 + 'a'", "decimal", ()),
        ("2.5", "integer", ()),
        ("10.1", "decimal", RANGE),
        ("0 - 1", "decimal", RANGE),
        ("123456789012345.6", "decimal", ()),
        ("(1).repeat($this + 1).count()", "decimal", ()),
        ("%a", "decimal", ()),
    ],
)
def test_not_computable(scores: Scores, expression: str, kind: str, more: tuple[dict[str, Any], ...]) -> None:
    """What is no number, not in its range, or takes too long is failed, and nothing is raised."""
    found = scores(number("a"), score("s", expression, kind, *more), extension=[variable("a", "'x' + 1")], a="1")

    assert found == {"s": (None, True)}


def test_nothing_answered_is_no_score(scores: Scores) -> None:
    """Where nothing was answered there is no score, also when an expression would make one of nothing."""
    assert scores(number("a"), score("s", "%resource.item.answer.value.sum()")) == {"s": (None, False)}
