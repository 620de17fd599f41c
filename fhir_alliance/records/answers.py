"""The answers a QuestionnaireResponse in the chart holds, read as raw JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_alliance.instruments.definition import Form


def read_answers(response: Mapping[str, Any], form: Form) -> dict[str, str]:
    """Return the answers by linkId; what is no answer to an item of the form is left out."""
    items = form.by_link_id
    return {
        link_id: code
        for link_id, code in _codes(response.get("item", []))
        if link_id in items and items[link_id].accepts(code)
    }


def _codes(items: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for item in items:
        for answer in item.get("answer", [])[:1]:
            value = answer.get("valueCoding", {}).get("code") or answer.get("valueDecimal")
            yield str(item.get("linkId")), str(value)
        yield from _codes(item.get("item", []))
