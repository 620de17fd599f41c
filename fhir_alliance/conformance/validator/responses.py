"""A response against the form it answers (spec rows Q20-Q23): its items, answers, options, and what must be there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fhir_alliance.conformance.validator.findings import Finding, JsonObject, error, information, objects, warning
from fhir_alliance.conformance.validator.forms import Answers, FormItem, form_items, is_enabled, same, value_of
from fhir_alliance.conformance.validator.walking import Place
from fhir_alliance.terms import FHIR_EXTENSION

FindForm = Callable[[str, str], JsonObject | None]
"""Finds a Questionnaire by its canonical and the response's language."""

_FINISHED = frozenset({"completed", "amended"})
# The type of answer each type of item takes (FHIR R4, item-type).
_ANSWERS: Mapping[str, tuple[str, ...]] = {
    "group": (),
    "display": (),
    "boolean": ("Boolean",),
    "decimal": ("Decimal",),
    "integer": ("Integer",),
    "date": ("Date",),
    "dateTime": ("DateTime",),
    "time": ("Time",),
    "string": ("String",),
    "text": ("String",),
    "url": ("Uri",),
    "choice": ("Coding", "String", "Integer", "Date", "Time", "Reference"),
    "open-choice": ("Coding", "String", "Integer", "Date", "Time", "Reference"),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
}


def response_findings(place: Place, find_form: FindForm) -> Iterator[Finding]:
    """Yield where a QuestionnaireResponse does not fit its form; information when the form is not known."""
    response = place.resource
    canonical = str(response.get("questionnaire", ""))
    form = find_form(canonical, str(response.get("language", "")))
    if form is None:
        yield information(f"{place.path}.questionnaire", "form", f"Not checked: the form {canonical} is not known.")
        return
    items = form_items(form)
    answers = dict(_answers(response))
    seen: set[str] = set()
    for path, item, parent in _response_items(place.path, response, ""):
        seen.add(str(item.get("linkId")))
        yield from _item_findings(path, item, parent, items, answers)
    if response.get("status") in _FINISHED:
        yield from _missing_findings(place.path, items, answers, seen)


def _response_items(path: str, holder: JsonObject, parent: str) -> Iterator[tuple[str, JsonObject, str]]:
    for index, item in enumerate(objects(holder.get("item"))):
        at = f"{path}.item[{index}]"
        yield at, item, parent
        yield from _response_items(at, item, str(item.get("linkId")))
        for number, answer in enumerate(objects(item.get("answer"))):
            yield from _response_items(f"{at}.answer[{number}]", answer, str(item.get("linkId")))


def _answers(response: JsonObject) -> Iterator[tuple[str, list[Any]]]:
    for _, item, _ in _response_items("", response, ""):
        yield str(item.get("linkId")), [value_of(each, "value")[1] for each in objects(item.get("answer"))]


def _item_findings(
    path: str, item: JsonObject, parent: str, items: Mapping[str, FormItem], answers: Answers
) -> Iterator[Finding]:
    known = items.get(str(item.get("linkId")))
    if known is None:
        yield error(f"{path}.linkId", "form-item", f"The form has no item “{item.get('linkId')}”.")
        return
    if known.parent != parent:
        yield error(path, "form-place", "The item stands elsewhere in the form.")
    if not is_enabled(known, answers):
        yield error(path, "form-disabled", "The other answers disable this item: it should not be here.")
    yield from _text_findings(path, item.get("text"), known.texts)
    given = objects(item.get("answer"))
    if len(given) > 1 and not known.definition.get("repeats"):
        yield error(f"{path}.answer", "form-repeats", "The form takes one answer here.")
    for index, answer in enumerate(given):
        fault = _answer_fault(known, *value_of(answer, "value"))
        if fault:
            yield error(f"{path}.answer[{index}]", *fault)


def _text_findings(path: str, text: str | None, texts: set[str]) -> Iterator[Finding]:
    if texts and text is None:
        yield warning(path, "form-text", "The item has no text; the form has one.")
    elif texts and text not in texts:
        yield error(f"{path}.text", "form-text", "The text is not that of the form, nor a translation in it.")


def _answer_fault(item: FormItem, kind: str, value: Any) -> tuple[str, str] | None:
    if kind and kind not in _ANSWERS.get(item.kind, ()):
        return "form-type", f"An item of type {item.kind} does not take a value{kind}."
    options = [value_of(each, "value")[1] for each in objects(item.definition.get("answerOption"))]
    if item.kind == "choice" and options and kind and not any(same(each, value) for each in options):
        return "form-option", "The answer is not one of the form's options."
    if kind in ("Decimal", "Integer") and not _in_range(item.definition, value):
        return "form-range", "The answer is outside the range the form allows."
    longest = item.definition.get("maxLength")
    if isinstance(longest, int) and isinstance(value, str) and len(value) > longest:
        return "form-length", f"The answer is longer than {longest} characters."
    return None


def _in_range(definition: JsonObject, value: Any) -> bool:
    limits = {each.get("url"): value_of(each, "value")[1] for each in objects(definition.get("extension"))}
    least = limits.get(f"{FHIR_EXTENSION}/minValue", value)
    most = limits.get(f"{FHIR_EXTENSION}/maxValue", value)
    numbers = isinstance(least, int | float) and isinstance(most, int | float)
    return bool(least <= value <= most) if numbers else True


def _missing_findings(path: str, items: Mapping[str, FormItem], answers: Answers, seen: set[str]) -> Iterator[Finding]:
    for link_id, item in items.items():
        if not item.definition.get("required") or not is_enabled(item, answers):
            continue
        there = link_id in seen if item.kind == "group" else bool(answers.get(link_id))
        if not there:
            yield error(path, "form-required", f"The required item “{link_id}” has no answer.")
