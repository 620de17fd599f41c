"""What FHIR JSON says, in words: lenient look-ups, because a record may hold anything."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

Resource = dict[str, Any]  # raw FHIR JSON
NameOf = Callable[[Resource], str]
"""A Reference -> the words for what it refers to."""

_ABSENT = {
    "unknown": "unknown",
    "asked-unknown": "asked, not known",
    "asked-declined": "asked, declined to answer",
    "temp-unknown": "not known yet",
    "not-asked": "not asked",
    "not-applicable": "does not apply",
    "not-performed": "not done",
    "not-permitted": "not permitted",
    "masked": "withheld",
    "error": "a technical error",
}


def name_words(resource: Resource) -> str:
    """Return the name of a person or organization, its type and id when it has none."""
    name = resource.get("name")
    if isinstance(name, str):
        return name
    best = name[0] if name else {}
    parts = " ".join([*best.get("given", ()), *([best["family"]] if "family" in best else [])])
    return str(best.get("text") or parts or f"{resource.get('resourceType')}/{resource.get('id')}")


def concept_words(concept: Resource | None) -> str:
    """Return the words of a CodeableConcept: its text, else the first display, else the first code."""
    if not concept:
        return ""
    codings = concept.get("coding") or [{}]
    shown = next((coding["display"] for coding in codings if coding.get("display")), codings[0].get("code"))
    return str(concept.get("text") or shown or "")


def identifier_value(resource: Resource, type_code: str) -> str:
    """Return the value of the identifier of a type such as "MR", empty when there is none."""
    for identifier in resource.get("identifier", ()):
        if any(coding.get("code") == type_code for coding in identifier.get("type", {}).get("coding", ())):
            return str(identifier.get("value", ""))
    return ""


def code_words(code: str) -> str:
    """Return a FHIR code such as "in-progress" as words."""
    return code.replace("-", " ").capitalize()


def value_words(carrier: Resource) -> str:
    """Return the value[x] of an Observation, component or answer in words, empty when it has none."""
    key = next((key for key in carrier if key.startswith("value") and not key.startswith("valueSet")), None)
    return "" if key is None else VALUES.get(key, _plain)(carrier[key])


def rounded(carrier: Resource) -> Resource:
    """Return a carrier of a value with at most two decimals, as many as a person reads; the record keeps them all."""
    quantity = carrier.get("valueQuantity", {})
    if not isinstance(quantity.get("value"), float | Decimal):
        return carrier
    return {**carrier, "valueQuantity": {**quantity, "value": round(quantity["value"], 2)}}


def absent_words(observation: Resource) -> str:
    """Return why there is no value, empty when no reason is given."""
    reason = observation.get("dataAbsentReason")
    codes = [coding.get("code", "") for coding in (reason or {}).get("coding", ())]
    return next((_ABSENT[code] for code in codes if code in _ABSENT), concept_words(reason).lower())


def _quantity(value: Resource) -> str:
    """Return a number with its unit."""
    unit = value.get("unit") or value.get("code") or ""
    number = str(value.get("value", "")).removesuffix(".0")
    return f"{value.get('comparator', '')}{number} {unit}".strip()


def _coding(value: Resource) -> str:
    """Return a Coding's display, else its code."""
    return str(value.get("display") or value.get("code") or "")


def _boolean(value: bool) -> str:
    """Return yes or no."""
    return "yes" if value else "no"


def _plain(value: object) -> str:
    """Return any other value as it is written."""
    return str(value)


VALUES: dict[str, Callable[[Any], str]] = {
    "valueQuantity": _quantity,
    "valueCodeableConcept": concept_words,
    "valueCoding": _coding,
    "valueBoolean": _boolean,
}
