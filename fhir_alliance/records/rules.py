"""The rules of FHIR R4 and US Core that records keep, each with its id, its place and a sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_alliance.records.codes import JsonObject
from fhir_alliance.terms import OBSERVATION_CATEGORY, UCUM, US_CORE_RESPONSE, US_CORE_SCREENING


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule that a well-formed resource keeps; `path` is the element it is about, below the resource."""

    id: str
    path: str
    sentence: str
    holds: Callable[[JsonObject], bool]


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
    dated = observation.get("effectiveDateTime")
    return dated is None or len(dated) >= len("2026-01-01")


def _link_ids_once(response: JsonObject) -> bool:
    found: list[str] = []
    waiting = list(response.get("item", []))
    while waiting:
        item = waiting.pop()
        found.append(item["linkId"])
        waiting += item.get("item", ())
    return len(found) == len(set(found))


def _subject_is_patient(resource: JsonObject) -> bool:
    """Whether the subject is a patient, or a resource of the same Bundle, whose type a reference does not tell."""
    subject = resource.get("subject", {})
    reference = subject.get("reference", "")
    return reference.startswith("urn:") or "Patient/" in reference or subject.get("type") == "Patient"


_SUBJECT = Rule(id="us-core-subject", path=".subject", sentence="the subject is a patient", holds=_subject_is_patient)

# What US Core asks of those who claim its profiles, beyond FHIR R4 (spec rows of part 2.1, Q20, Q21).
PROFILE_RULES: Mapping[str, tuple[Rule, ...]] = {
    US_CORE_SCREENING: (
        Rule(
            id="us-core-1",
            path=".effectiveDateTime",
            sentence="a date is given at least to the day",
            holds=_dated_to_the_day,
        ),
        Rule(
            id="us-core-2",
            path="",
            sentence="there is a value, members, components, or the reason why there is no value",
            holds=_has_content,
        ),
        Rule(
            id="us-core-3", path=".valueQuantity", sentence="quantities are in UCUM units", holds=_quantities_are_ucum
        ),
        Rule(id="us-core-survey", path=".category", sentence="one category is survey", holds=_has_survey),
        _SUBJECT,
    ),
    US_CORE_RESPONSE: (
        Rule(
            id="us-core-questionnaire",
            path=".questionnaire",
            sentence="the form is named",
            holds=lambda response: bool(response.get("questionnaire")),
        ),
        Rule(
            id="us-core-authored",
            path=".authored",
            sentence="it says when it was answered",
            holds=lambda response: bool(response.get("authored")),
        ),
        _SUBJECT,
    ),
}

# What everything we send keeps: the above, the invariants of FHIR R4 that our builders could break, and pinned forms.
RULES: Mapping[str, tuple[Rule, ...]] = {
    "Observation": (
        Rule(
            id="obs-6",
            path="",
            sentence="dataAbsentReason only without a value",
            holds=lambda observation: not (_has_value(observation) and "dataAbsentReason" in observation),
        ),
        Rule(
            id="obs-7",
            path="",
            sentence="no value when a component has the same code",
            holds=_component_codes_differ,
        ),
        Rule(
            id="dated",
            path=".effectiveDateTime",
            sentence="it says when",
            holds=lambda observation: "effectiveDateTime" in observation,
        ),
        *PROFILE_RULES[US_CORE_SCREENING],
    ),
    "QuestionnaireResponse": (
        Rule(
            id="pinned",
            path=".questionnaire",
            sentence="the form is pinned to a version",
            holds=lambda response: "|" in response.get("questionnaire", ""),
        ),
        Rule(id="qrs-2", path="", sentence="one item per linkId", holds=_link_ids_once),
        *PROFILE_RULES[US_CORE_RESPONSE],
    ),
}
