"""What expressions come to: the same as in a full FHIRPath engine, and by the specification where that differs."""

from decimal import Decimal
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_alliance.fhirpath.evaluator import Evaluator, Steps
from fhir_alliance.fhirpath.parser import parse
from fhir_alliance.fhirpath.syntax import Values
from fhir_alliance.fhirpath.values import ORDINAL, WEIGHT, NotComputable


def _choice(link_id: str, code: str, weight: int) -> dict[str, Any]:
    coding = {"code": code, "extension": [{"url": ORDINAL, "valueDecimal": weight}]}
    return {"linkId": link_id, "answer": [{"valueCoding": coding}]}


RESPONSE: dict[str, Any] = {
    "resourceType": "QuestionnaireResponse",
    "item": [
        {"linkId": "group", "item": [_choice("a", "often", 3), _choice("b", "never", 0), {"linkId": "c"}]},
        {"linkId": "ok", "answer": [{"valueBoolean": True}]},
        {"linkId": "hours", "answer": [{"valueInteger": 7}]},
        {"linkId": "line", "answer": [{"valueDecimal": Decimal("4.5")}]},
        {"linkId": "word", "answer": [{"valueString": " Ruhe "}]},
    ],
}
VARIABLES: dict[str, Values] = {"resource": [RESPONSE], "three": [1, 2, 3], "none": []}


def value(text: str) -> Values:
    """Return what an expression comes to over the response."""
    expression = parse(text, VARIABLES)
    return Evaluator(VARIABLES.__getitem__, Steps()).evaluate(expression.root)


def in_engine(text: str) -> list[Any]:
    """Return what fhirpathpy makes of the same expression."""
    return list(
        fhirpathpy.evaluate(RESPONSE, text, {"resource": RESPONSE, "three": [1, 2, 3], "none": []}, models["r4"])
    )


AGREED = [
    "1 + 2 * 3 - 4",
    "(1 + 2) * 3 / 2",
    "7 div 2 + 7 mod 2",
    "-(2.5) + 0.5",
    "1 / 0",
    "1 + %none",
    "'a' + 'b' & 'c' & %none",
    "2 > 1 and 1.5 <= 1.5 or 3 < 2 xor false",
    "'a' < 'b' and 'b' >= 'a'",
    "%none = 1",
    "1 != 2",
    "1 = 1.0",
    "true and %none",
    "false and %none",
    "%none or true",
    "true xor %none",
    "false implies %none",
    "true implies false",
    "2 in %three",
    "%three contains 4",
    "(%three | 3 | 4).count()",
    "%three.combine(%three).distinct().count()",
    "%three.intersect(2 | 4)",
    "%three.exclude(2)",
    "%three.sum() + %three.min() + %three.max()",
    "%three.aggregate($this + $total, 10)",
    "%three.select($this * $index)",
    "%three.where($this > 1).first() + %three.last() + %three.tail().first()",
    "%three.take(2).count() + %three.skip(2).count()",
    "%three[1]",
    "%three[5]",
    "%three.all($this > 0)",
    "%three.exists($this > 2) and %none.empty() and %three.isDistinct()",
    "iif(%three.count() > 2, 'many', 'few')",
    "iif(%none, 1)",
    "3.7.floor() + 3.2.ceiling() + 3.9.truncate() + (-2).abs()",
    "2.power(3) + 16.sqrt()",
    "'12'.toInteger() + 3",
    "'x'.toInteger()",
    "'1.5'.toDecimal() * 2",
    "5.toString() & 'x'",
    "'Abc'.upper() + 'Abc'.lower()",
    "'abc'.startsWith('a') and 'abc'.endsWith('c') and 'abc'.contains('b') and 'abc'.length() = 3",
    "'q12'.matches('^q[0-9]+$')",
    "1 is Integer",
    "1 is System.Integer",
    "%three.item",
    "%resource.item.count()",
    "%resource.repeat(item).count()",
    "%resource.item.where(linkId = 'group').item.answer.value.code",
    "%resource.item.where(linkId = 'ok').answer.value.not()",
    "%resource.item.where(linkId = 'hours').answer.value + 1",
    "%resource.item.where(linkId = 'line').answer.value * 2",
    "%resource.item.where(linkId = 'word').answer.value.trim()",
    "%resource.descendants().where(linkId = 'b').answer.value.code",
    "%resource.item.answer.value.ofType(Coding).count()",
    "%resource.item.where(linkId = 'group').item.answer.valueCoding.extension.valueDecimal",
    "%resource.item.where(linkId = 'group').item.answer.value.extension('" + ORDINAL + "').value",
    "%resource.item[0].item[1].`linkId`",
    "%resource.item.linkId.where($this.matches('^(ok|line)$')).count() // how many",
    "%resource.children().count() > 3",
    "(true | false).anyTrue() and (true).allTrue() and (false).allFalse() and (true | false).anyFalse()",
]


AGREED += [
    f"{left} {operator} {right}"
    for operator in ("and", "or", "xor", "implies")
    for left in ("true", "false", "%none")
    for right in ("true", "false", "%none")
]


@pytest.mark.parametrize("text", AGREED)
def test_agrees_with_a_full_engine(text: str) -> None:
    """Each construct that is allowed comes to what fhirpathpy makes of it."""
    found = value(text)

    assert [float(each) if _number(each) else each for each in found] == pytest.approx(
        [float(each) if _number(each) else each for each in in_engine(text)]
    )


def _number(each: object) -> bool:
    return isinstance(each, int | float | Decimal) and not isinstance(each, bool)


OPERANDS = st.one_of(
    st.integers(0, 50).map(str), st.decimals(0, 20, places=1).map(str), st.sampled_from(["%none", "%three.sum()"])
)
SUMS = st.recursive(
    OPERANDS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner)
        | st.builds("iif({} {} {}, {}, {})".format, inner, st.sampled_from(["<", ">=", "="]), inner, inner, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(text=SUMS)
def test_arithmetic_agrees(text: str) -> None:
    """Any arithmetic over numbers and nothing, with conditions, agrees to ten digits."""
    try:
        found = value(text)
    except NotComputable:
        return

    assert [float(each) for each in found if _number(each)] == pytest.approx([float(each) for each in in_engine(text)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%resource.repeat(item).where(linkId = 'a').answer.value.weight()", [3]),
        ("%resource.repeat(item).answer.value.ordinal().sum()", [3]),
        ("%resource.item.where(linkId = 'hours').answer.value.weight()", []),
        ("2.5.round() + 1.25.round(1)", [Decimal("4.3")]),
        ("%three.avg()", [2]),
        ("%none.sum()", [0]),
        ("%none.avg() | %none.min()", []),
        ("true = 1", [False]),
        ("(true | 1).count()", [2]),
        ("2.0 is decimal and 2 is integer and 'a' is string and true is boolean", [True]),
        ("%none is string", []),
        ("1 as string", []),
        ("(1).as(integer)", [1]),
        ("true.toString() & 1.50.toString()", ["true1.50"]),
        ("%resource.toString()", []),
        ("%resource.toInteger() | %resource.toDecimal()", []),
        ("true.toInteger() + true.toDecimal()", [2]),
        ("1.5.toInteger()", []),
        ("%none.not() | %none.toString() | %none.single() | %none.abs()", []),
        ("'a'.hasValue() and %resource.hasValue().not()", [True]),
        ("(-4).sqrt()", []),
        ("(-8).power(0.5)", []),
        ("%none.power(2)", []),
        ("%three.take(%none)", []),
        ("--3", [3]),
        ("'\\u00e4\\n\\''", ["ä\n'"]),
        ("%three.where($this in (1 | 3))", [1, 3]),
        ("%`three`.count() /* all of\nthem */", [3]),
        ("1 mod 0", []),
        ("%none mod 2", []),
        ("%resource.item.where(linkId = 'group').iif(item.exists(), 'yes', 'no')", ["yes"]),
    ],
)
def test_by_the_specification(text: str, expected: list[object]) -> None:
    """What the other engine does otherwise, or leaves to its host, follows FHIRPath 2.0 and SDC."""
    assert value(text) == expected


def test_newer_weight_comes_first() -> None:
    """An `itemWeight` counts, not the older `ordinalValue` beside it, on the option or in its Coding."""
    option = {
        "extension": [{"url": ORDINAL, "valueDecimal": 1}, {"url": WEIGHT, "valueDecimal": 2}],
        "valueCoding": {"code": "a"},
    }
    coding = {"valueCoding": {"code": "b", "extension": [{"url": WEIGHT, "valueDecimal": 5}]}}
    expression = parse("%options.weight()", {"options"})

    assert Evaluator(lambda _: [option, coding], Steps()).evaluate(expression.root) == [2, 5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 + 'a'", "number"),
        ("'a' + 1", "text"),
        ("'a' < 1", "number"),
        ("-'a'", "number"),
        ("%three + 1", "single"),
        ("%three.single()", "single"),
        ("%three.where(%three)", "single"),
        ("true + 1", "number"),
        ("999999999999999 * 999999999999999", "too large"),
        ("99999999999999999999999999999999 + 1", "too large"),
        ("1.round(20)", "decimal places"),
        ("%resource.upper()", "text"),
        ("%resource.linkId | ('" + "a" * 300 + "').matches('a')", "characters"),
        ("(1|2|3|4|5|6|7|8|9|10|11|12|13|14).aggregate($total + $total, 'ab')", "too long"),
    ],
)
def test_what_has_no_value(text: str, reason: str) -> None:
    """What cannot be computed is said, never guessed."""
    with pytest.raises(NotComputable, match=reason):
        value(text)
