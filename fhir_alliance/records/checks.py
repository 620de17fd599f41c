"""Rules of FHIR R4 and US Core that model classes do not enforce, checked on everything we are about to send."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fhir_alliance.errors import InvalidResource
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.terms import OBSERVATION_CATEGORY, UCUM

# Required bindings (FHIR R4 4.0.1) of the elements we write.
_STATUS: Mapping[str, frozenset[str]] = {
    "Observation": frozenset(
        {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}
    ),
    "QuestionnaireResponse": frozenset({"in-progress", "completed", "amended", "entered-in-error", "stopped"}),
}


def check_bundle(bundle: JsonObject) -> None:
    """Raise InvalidResource naming every rule that an entry of the bundle breaks, each with its path."""
    faults = [
        f"Bundle.entry[{index}].{fault}"
        for index, entry in enumerate(bundle["entry"])
        for fault in _faults(entry["resource"])
    ]
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    if len(set(urls)) != len(urls):
        faults.append("Bundle.entry.fullUrl: bdl-7, must be unique")
    if faults:
        raise InvalidResource(faults)


def check_shape(bundle: JsonObject) -> None:
    """Raise InvalidResource when the bundle does not have the shape of FHIR R4B; it costs milliseconds, so once each.

    The models know structure, not required codes or most invariants: those are `check_bundle`.
    """
    from fhir.resources.R4B.bundle import Bundle  # heavy, and only a submission needs it

    try:
        Bundle.model_validate(bundle)
    except ValueError as error:
        raise InvalidResource([str(fault["loc"]) for fault in getattr(error, "errors", list)()]) from None


def _faults(resource: JsonObject) -> Iterator[str]:
    kind = resource["resourceType"]
    allowed = _STATUS.get(kind)
    if allowed and resource.get("status") not in allowed:
        yield f"{kind}.status: not a code of its required value set"
    for rule, holds in _RULES.get(kind, {}).items():
        if not holds(resource):
            yield f"{kind}: {rule}"


# Observation.value[x] and Observation.component.value[x] of FHIR R4.
_VALUES = frozenset(
    f"value{kind}"
    for kind in (
        *("Quantity", "CodeableConcept", "String", "Boolean", "Integer", "Range", "Ratio", "SampledData"),
        *("Time", "DateTime", "Period"),
    )
)


def _has_value(element: JsonObject) -> bool:
    return not _VALUES.isdisjoint(element)


def _codings(concept: Any) -> set[tuple[str, str]]:
    return {(coding.get("system", ""), coding.get("code", "")) for coding in concept.get("coding", [])}


def _has_survey(observation: JsonObject) -> bool:
    return any((OBSERVATION_CATEGORY, "survey") in _codings(each) for each in observation.get("category", []))


def _has_content(observation: JsonObject) -> bool:
    content = ("component", "hasMember", "dataAbsentReason")
    return _has_value(observation) or any(observation.get(part) for part in content)


def _component_codes_differ(observation: JsonObject) -> bool:
    own = _codings(observation["code"])
    components = observation.get("component", [])
    return not (_has_value(observation) and any(own & _codings(each["code"]) for each in components))


def _quantities_are_ucum(observation: JsonObject) -> bool:
    elements = [observation, *observation.get("component", [])]
    return all(element["valueQuantity"].get("system") == UCUM for element in elements if "valueQuantity" in element)


def _dated_to_the_day(observation: JsonObject) -> bool:
    return len(observation.get("effectiveDateTime", "")) >= len("2026-01-01")


def _link_ids_once(response: JsonObject) -> bool:
    found = list(_link_ids(response.get("item", [])))
    return len(found) == len(set(found))


def _link_ids(items: list[JsonObject]) -> Iterator[str]:
    for item in items:
        yield item["linkId"]
        yield from _link_ids(item.get("item", []))


_RULES: Mapping[str, Mapping[str, Callable[[JsonObject], bool]]] = {
    "Observation": {
        "obs-6, dataAbsentReason only without a value": lambda o: not (_has_value(o) and "dataAbsentReason" in o),
        "obs-7, no value when a component has the same code": _component_codes_differ,
        "us-core-1, effective to the day": _dated_to_the_day,
        "us-core-2, value, members, components or the reason why not": _has_content,
        "us-core-3, quantities in UCUM": _quantities_are_ucum,
        "category survey": _has_survey,
        "subject is a patient": lambda o: o.get("subject", {}).get("reference", "").startswith("Patient/"),
    },
    "QuestionnaireResponse": {
        "qrs-1, questionnaire is pinned to a version": lambda r: "|" in r.get("questionnaire", ""),
        "sdc, authored is there": lambda r: bool(r.get("authored")),
        "qrs-2, one item per linkId": _link_ids_once,
        "subject is a patient": lambda r: r.get("subject", {}).get("reference", "").startswith("Patient/"),
    },
}
