"""When a question is asked: for the page's script, and in words for readers without one."""

from collections.abc import Iterable, Mapping

import orjson

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Condition, Test
from fhir_alliance.instruments.words import Wording


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
        return "If you chose " + " or ".join(f"“{wording.option(code)}”" for code in chosen)
    joined = " and " if condition.every else " or "
    return "If " + joined.join(_test_in_words(test, form, wording) for test in tests) if tests else ""


def _test_in_words(test: Test, form: Form, wording: Wording) -> str:
    question = f"“{wording.items[test.question][form.rater]}”"
    if test.operator == "exists":
        return f"{question} {'has an' if test.value == 'true' else 'has no'} answer"
    return f"{question} is {_COMPARED[test.operator]}{wording.option(test.value)}"


_COMPARED: Mapping[str, str] = {
    "=": "",
    "!=": "not ",
    ">": "more than ",
    "<": "less than ",
    ">=": "at least ",
    "<=": "at most ",
}
