"""A Questionnaire as what its responses must hold: items by linkId, and which of them are enabled by which answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_alliance.conformance.validator.findings import JsonObject, objects


@dataclass(frozen=True, kw_only=True)
class FormItem:
    """One item of a form, with the items around it, the outermost first."""

    definition: JsonObject
    around: tuple[JsonObject, ...]

    @property
    def parent(self) -> str:
        """The linkId of the item it is in; empty at the top."""
        return str(self.around[-1].get("linkId")) if self.around else ""

    @property
    def kind(self) -> str:
        """The type of the item."""
        return str(self.definition.get("type"))

    @property
    def texts(self) -> set[str]:
        """The item's text, and its translations."""
        found = [self.definition.get("text")]
        for extension in objects(self.definition.get("_text", {}).get("extension")):
            found += [part.get("valueString") for part in objects(extension.get("extension"))]
        return {text for text in found if isinstance(text, str)}


def form_items(questionnaire: JsonObject) -> dict[str, FormItem]:
    """Return all items of a form by linkId, in their order."""
    return {each.definition["linkId"]: each for each in _items(questionnaire, ())}


def _items(holder: JsonObject, around: tuple[JsonObject, ...]) -> Iterator[FormItem]:
    for item in objects(holder.get("item")):
        yield FormItem(definition=item, around=around)
        yield from _items(item, (*around, item))


Answers = Mapping[str, list[Any]]


def is_enabled(item: FormItem, answers: Answers) -> bool:
    """Whether an item and those around it are enabled by the answers (FHIR R4, Questionnaire.item.enableWhen)."""
    return all(_enables(each, answers) for each in (*item.around, item.definition))


def _enables(definition: JsonObject, answers: Answers) -> bool:
    conditions = objects(definition.get("enableWhen"))
    holds = [_holds(each, answers.get(str(each.get("question")), [])) for each in conditions]
    combine = all if definition.get("enableBehavior") == "all" else any
    return not holds or combine(holds)


def value_of(element: JsonObject, stem: str) -> tuple[str, Any]:
    """Return the type name and value of a choice, e.g. ("Coding", {...}); empty when there is none."""
    for key, value in element.items():
        if key.startswith(stem) and key[len(stem) :][:1].isupper():
            return key[len(stem) :], value
    return "", None


def same(left: Any, right: Any) -> bool:
    """Whether two answers are the same: codings by system and code, whatever their display."""
    if isinstance(left, dict) and isinstance(right, dict) and "code" in left:
        return bool(left.get("code") == right.get("code") and left.get("system") == right.get("system"))
    return type(left) is type(right) and bool(left == right)


_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": lambda left, right: bool(left > right),
    "<": lambda left, right: bool(left < right),
    ">=": lambda left, right: bool(left >= right),
    "<=": lambda left, right: bool(left <= right),
}


def _holds(condition: JsonObject, given: list[Any]) -> bool:
    operator = str(condition.get("operator"))
    _, wanted = value_of(condition, "answer")
    if operator == "exists":
        return bool(given) is wanted
    if operator == "=":
        return any(same(each, wanted) for each in given)
    if operator == "!=":
        return not any(same(each, wanted) for each in given)
    comparable = [each for each in given if type(each) is type(wanted) and not isinstance(each, dict)]
    return operator in _ORDERED and any(_ORDERED[operator](each, wanted) for each in comparable)
