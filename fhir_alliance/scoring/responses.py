"""The answers that a QuestionnaireResponse holds, read as raw JSON from anybody."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item, Kind


def read_given(response: Mapping[str, Any], form: Form, *, among: AbstractSet[str] | None = None) -> dict[str, str]:
    """Return the answers by linkId, of all items or those `among`; what is no answer to its item is left out."""
    items = form.by_link_id
    wanted = items if among is None else {link_id: items[link_id] for link_id in items.keys() & among}
    found = {
        link_id: answer_to(wanted[link_id], said)
        for said in items_in(response.get("item", []))
        if (link_id := str(said.get("linkId"))) in wanted
    }
    return {link_id: answer for link_id, answer in found.items() if answer is not None}


def items_in(items: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield all items of a response, whatever they are grouped in."""
    for item in items:
        yield item
        if "item" in item:
            yield from items_in(item["item"])


def answer_to(item: Item, said: Mapping[str, Any]) -> str | None:
    """Return what an item of a response was answered: an option's code, or a number or text as it is; None without."""
    for answer in said.get("answer", ())[:1]:
        found = _READERS[item.kind](item, answer)
        return found if found is not None and item.accepts(found) else None
    return None


def number_in(answer: Mapping[str, Any]) -> float | Decimal | None:
    """Return a number whichever kind it is written as; text and booleans are none."""
    number = answer.get("valueDecimal", answer.get("valueInteger"))
    return number if isinstance(number, int | float | Decimal) and not isinstance(number, bool) else None


def _number(_: Item, answer: Mapping[str, Any]) -> str | None:
    number = number_in(answer)
    return None if number is None else str(number)


def _boolean(_: Item, answer: Mapping[str, Any]) -> str | None:
    return {True: "true", False: "false"}.get(answer.get("valueBoolean", ""))


def _text(_: Item, answer: Mapping[str, Any]) -> str | None:
    text = answer.get("valueString")
    return text if isinstance(text, str) else None


def _option(item: Item, answer: Mapping[str, Any]) -> str | None:
    """Return the code of the option that was chosen; a Coding of a site's form is known by system and code."""
    coding = answer.get("valueCoding", {})
    if not item.is_own:
        code: str | None = coding.get("code")
        return code
    for option in item.options:
        own = option.own or {}
        if "valueCoding" in own and (own["valueCoding"]["system"], own["valueCoding"]["code"]) == (
            coding.get("system"),
            coding.get("code"),
        ):
            return option.code
        if own and "valueCoding" not in own and own.items() <= answer.items():
            return option.code
    return None


_READERS: Mapping[Kind, Callable[[Item, Mapping[str, Any]], str | None]] = {
    Kind.CHOICE: _option,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _number,
    Kind.DECIMAL: _number,
    Kind.TEXT: _text,
}
