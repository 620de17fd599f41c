"""When a question is asked: for the page's script, and in words for readers without one."""

from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Condition, Test
from fhir_alliance.instruments.words import Wording
from fhir_alliance.sentences import marked
from smart_app.web.saying import say


def field_name(link_id: str) -> str:
    """Return the name of the field of a question; fields of the page itself have names of their own."""
    return f"~{link_id}" if link_id.startswith("~") or link_id in _OWN_FIELDS else link_id


_OWN_FIELDS = frozenset({"_csrf", "action", "declined", "key", "version"})


def conditions_as_json(conditions: Iterable[Condition]) -> str:
    """Return conditions as the page's script reads them: a list of {every, tests: [[field, operator, value], ...]}."""
    listed = [
        {
            "every": condition.every,
            "tests": [[field_name(test.question), test.operator, test.value] for test in condition.tests],
        }
        for condition in conditions
    ]
    return orjson.dumps(listed).decode() if listed else ""


def conditions_in_words(conditions: Iterable[Condition], form: Form, wording: Wording) -> str:
    """Say when a question is asked; empty when it always is."""
    return "; ".join(filter(None, (_in_words(condition, form, wording) for condition in conditions)))


def _in_words(condition: Condition, form: Form, wording: Wording) -> str:
    tests = [test for test in condition.tests if test.question in form.by_link_id]
    asked = {test.question for test in tests}
    if len(asked) == 1 and all(test.operator == "=" for test in tests):
        options = form.by_link_id[asked.pop()].options
        values = {test.value for test in tests}
        chosen = [option.code for option in options if option.code in values] or sorted(values)
        answers = say(" or ").join(f"“{wording.option(code)}”" for code in chosen)
        return say("If you chose %(answers)s", answers=answers)
    joined = say(" and ") if condition.every else say(" or ")
    held = joined.join(_test_in_words(test, form, wording) for test in tests)
    return say("If %(conditions)s", conditions=held) if tests else ""


def _test_in_words(test: Test, form: Form, wording: Wording) -> str:
    question = f"“{wording.items[test.question][form.rater]}”"
    if test.operator == "exists":
        answered = test.value == "true"
        return say(_ANSWERED, question=question) if answered else say(_UNANSWERED, question=question)
    return say(_COMPARED[test.operator], question=question, value=wording.option(test.value))


_ANSWERED: Final = marked("%(question)s has an answer")
_UNANSWERED: Final = marked("%(question)s has no answer")
_COMPARED: Final[Mapping[str, str]] = {
    "=": marked("%(question)s is %(value)s"),
    "!=": marked("%(question)s is not %(value)s"),
    ">": marked("%(question)s is more than %(value)s"),
    "<": marked("%(question)s is less than %(value)s"),
    ">=": marked("%(question)s is at least %(value)s"),
    "<=": marked("%(question)s is at most %(value)s"),
}
