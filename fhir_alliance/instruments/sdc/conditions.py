"""When a question is asked: FHIR's enableWhen as conditions, checked against what the question can be answered."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from fhir_alliance.instruments.items import Condition, Item, Test
from fhir_alliance.instruments.sdc.elements import Element

_ORDERED = (">", "<", ">=", "<=")
_KINDS = {
    "boolean": "answerBoolean",
    "integer": "answerInteger",
    "decimal": "answerDecimal",
    "string": "answerString",
    "text": "answerString",
}


def read_conditions(
    item: Element, questions: Mapping[str, Element], answers: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> tuple[Condition, ...]:
    """Return when an item is asked, with what is wrong noted (que-7, que-12).

    `questions` are the form's questions by linkId, `answers` what each choice among them can be answered: the answer
    in a response by the code that stands for it.
    """
    places = item.children("enableWhen")
    behaviour = item.text("enableBehavior")
    if len(places) > 1 and behaviour not in ("all", "any"):
        item.fault("has several enableWhen and no enableBehavior (que-12)")
    tests = [test for place in places if (test := _test(place, questions, answers))]
    return (Condition(tests=tuple(tests), every=behaviour == "all"),) if tests else ()


def _test(
    place: Element, questions: Mapping[str, Element], answers: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> Test | None:
    name, operator = place.text("question"), place.text("operator")
    question = questions.get(name)
    if question is None:
        place.fault(f"{name!r} is no question of the form")
        return None
    kind = next((key for key in place.json if key.startswith("answer")), "")
    wanted = place.json.get(kind)
    if operator == "exists":
        if not isinstance(wanted, bool):
            place.fault("the operator exists needs an answerBoolean (que-7)")
        return Test(question=name, operator=operator, value=str(wanted).lower())
    if operator not in ("=", "!=", *_ORDERED):
        place.fault(f"{operator!r} is no operator")
        return None
    value = _code_of(kind, wanted, answers[name]) if name in answers else _text_of(kind, wanted, question)
    if value is None:
        place.fault(f"{kind} is no answer to {name}, or none of its options")
    elif operator in _ORDERED and kind not in ("answerInteger", "answerDecimal"):
        place.fault(f"{operator} compares numbers only")
    return None if value is None else Test(question=name, operator=operator, value=value)


def _text_of(kind: str, wanted: object, question: Element) -> str | None:
    expected = _KINDS.get(question.text("type"), "")
    if kind != expected and not (kind == "answerInteger" and expected == "answerDecimal"):
        return None
    if kind == "answerBoolean":
        return str(wanted).lower() if isinstance(wanted, bool) else None
    if kind == "answerString":
        return wanted if isinstance(wanted, str) else None
    return f"{wanted:f}" if isinstance(wanted, Decimal) else str(wanted) if isinstance(wanted, int) else None


def _code_of(kind: str, wanted: Any, answers: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the code that stands for the option; a Coding is the same when system and code are (R4)."""
    name = kind.replace("answer", "value", 1)
    for code, answer in answers.items():
        said = answer.get(name)
        if name == "valueCoding" and said and isinstance(wanted, dict):
            if (said.get("system"), said.get("code")) == (wanted.get("system"), wanted.get("code")):
                return code
        elif said is not None and said == wanted:
            return code
    return None


def circles(items: Iterable[Item]) -> list[str]:
    """Return the linkIds of questions that are asked only because of themselves."""
    needs = {
        item.link_id: {test.question for condition in item.conditions for test in condition.tests} for item in items
    }
    return sorted(link_id for link_id in needs if link_id in _reached(link_id, needs))


def _reached(start: str, needs: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(needs[start])
    while ahead:
        link_id = ahead.pop()
        if link_id not in found:
            found.add(link_id)
            ahead += needs.get(link_id, ())
    return found
