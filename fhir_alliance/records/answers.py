"""The answers a QuestionnaireResponse in the chart holds, read as raw JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_alliance.instruments.definition import Form


def read_answers(response: Mapping[str, Any], form: Form) -> dict[str, str]:
    """Return the option codes by linkId; what is not an option of the form's items is left out."""
    items = form.by_link_id
    return {
        link_id: code
        for link_id, code in _codes(response.get("item", []))
        if link_id in items and code in items[link_id].codes
    }


def _codes(items: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for item in items:
        for answer in item.get("answer", [])[:1]:
            yield str(item.get("linkId")), str(answer.get("valueCoding", {}).get("code"))
        yield from _codes(item.get("item", []))
