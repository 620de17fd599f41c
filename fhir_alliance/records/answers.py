"""The answers a QuestionnaireResponse in the chart holds, read as raw JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item
from fhir_alliance.records.codes import DECLINED
from fhir_alliance.scoring.answers import Answers


def read_answers(response: Mapping[str, Any], form: Form) -> Answers:
    """Return the answers, and the items skipped on purpose; what is no answer to an item of the form is left out."""
    items = form.by_link_id
    given, skipped = {}, set()
    for said in _items(response.get("item", [])):
        item = items.get(str(said.get("linkId")))
        answer = answer_to(item, said) if item else None
        if item and answer is not None:
            given[item.link_id] = answer
        elif item and _declined(said):
            skipped.add(item.link_id)
    return Answers(given=given, skipped=frozenset(skipped - given.keys()))


def answer_to(item: Item, said: Mapping[str, Any]) -> str | None:
    """Return what an item of a response was answered: an option's code, or on a line a number as text; None without."""
    for answer in said.get("answer", ())[:1]:
        number = answer.get("valueDecimal", answer.get("valueInteger"))
        value = str(number if item.span else answer.get("valueCoding", {}).get("code"))
        return value if item.accepts(value) else None
    return None


def _declined(said: Mapping[str, Any]) -> bool:
    return any(DECLINED.items() <= extension.items() for extension in said.get("extension", ()))


def _items(items: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        yield item
        yield from _items(item.get("item", []))
