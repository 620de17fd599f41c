"""The profiles hold on everything we write, and do not hold when it is broken."""

import copy
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from fhirpathpy import evaluate
from fhirpathpy.models import models

from fhir_alliance.conformance.canonicals import Edition
from fhir_alliance.conformance.contents import choose
from fhir_alliance.conformance.examples import examples
from fhir_alliance.conformance.profiles import profiles
from fhir_alliance.instruments.catalogue import installed

Resource = dict[str, Any]

EXAMPLES = {each["id"]: each for each in examples(choose(installed(None), today=date(2026, 11, 24)).ready)}
PROFILES = {each["url"]: each for each in profiles(Edition(version="0.0.0", date="2026-11-24"))}
CLAIMING = {
    name: [PROFILES[url] for url in each.get("meta", {}).get("profile", []) if url in PROFILES]
    for name, each in EXAMPLES.items()
}


def faults(resource: Resource, profile: Resource) -> set[str]:
    """Return the keys of the rules and the ids of the elements that a resource breaks."""
    elements = {each["id"]: each for each in profile["differential"]["element"]}
    rules = elements[profile["type"]]["constraint"]
    broken = {rule["key"] for rule in rules if not holds(resource, rule["expression"])}
    return broken | {name for name, each in elements.items() if "." in name and not fits(resource, each, elements)}


def holds(resource: Resource, expression: str) -> bool:
    """Whether a rule is true of a resource; a rule without an answer holds, as validators take it."""
    return evaluate(resource, expression, {"resource": resource}, models["r4"]) in ([True], [])


def fits(resource: Resource, element: Resource, elements: dict[str, Resource]) -> bool:
    """Whether an element is there as often as it has to be, each time like its pattern."""
    parents, _, last = element["id"].rpartition(".")
    pattern = next((value for key, value in element.items() if key.startswith("pattern")), None)
    for parent in nodes([resource], parents.split(".")[1:], parents.partition(".")[0], elements):
        found = list(nodes([parent], [last], parents, elements))
        most = len(found) if element.get("max", "*") == "*" else int(element["max"])
        if not element.get("min", 0) <= len(found) <= most or not all(like(each, pattern) for each in found):
            return False
    return True


def nodes(found: list[Any], segments: list[str], id: str, elements: dict[str, Resource]) -> Iterator[Any]:  # noqa: A002
    """Walk what stands at a path below some nodes, of a slice only what its own patterns say it is."""
    if not segments:
        yield from found
        return
    name, _, slice_name = segments[0].partition(":")
    here = f"{id}.{segments[0]}"
    below = [value for node in found for value in children(node, name)]
    if slice_name:
        path = elements[f"{id}.{name}"]["slicing"]["discriminator"][0]["path"]
        told_by = elements[here] if path == "$this" else elements[f"{here}.{path}"]
        pattern = next(value for key, value in told_by.items() if key.startswith("pattern"))
        below = [each for each in below if like(each if path == "$this" else each.get(path), pattern)]
    yield from nodes(below, segments[1:], here, elements)


def children(node: Resource, name: str) -> list[Any]:
    """Return the values of one element, whatever type it has chosen."""
    stem = name.removesuffix("[x]")
    keys = [key for key in node if key == name or (name != stem and key.startswith(stem))]
    return [each for key in keys for each in (node[key] if isinstance(node[key], list) else [node[key]])]


def like(value: Any, pattern: Any) -> bool:
    """Whether a value holds all that a pattern says (FHIR R4, ElementDefinition.pattern)."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(like(value.get(key), part) for key, part in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(like(each, part) for each in value) for part in pattern)
    return pattern is None or value == pattern


@pytest.mark.parametrize("name", [name for name, claimed in CLAIMING.items() if claimed])
def test_what_we_write_fits_its_profile(name: str) -> None:
    """Every example, scored or declined, of patient or therapist, keeps every rule and element of its profile."""
    (profile,) = CLAIMING[name]

    assert faults(EXAMPLES[name], profile) == set()


def test_every_record_claims_a_profile() -> None:
    """Responses, scores and panels all name one of the three profiles, and each profile is shown."""
    records = {
        name for name, each in EXAMPLES.items() if each["resourceType"] in ("Observation", "QuestionnaireResponse")
    }

    assert {name for name, claimed in CLAIMING.items() if claimed} == records
    assert {profile["url"] for claimed in CLAIMING.values() for profile in claimed} == set(PROFILES)


SCORE, PANEL, RESPONSE = (f"visit-check-in-patient-core-{part}" for part in ("core", "panel", "response"))
MISSING = "visit-check-in-patient-core-declined-core"
Break = Callable[[Resource], object]


def without(*keys: str) -> Break:
    """Return what takes an element away."""
    return lambda resource: [resource.pop(key) for key in keys]


BREAKS: list[tuple[str, Break, set[str]]] = [
    (SCORE, lambda r: r["identifier"][0].update(value="other"), {"alliance-1"}),
    (SCORE, without("valueQuantity"), {"alliance-2"}),
    (SCORE, lambda r: r.update(dataAbsentReason=r["code"], note=[{"text": "."}]), {"alliance-2"}),
    (SCORE, lambda r: r["valueQuantity"].pop("value"), {"alliance-2"}),
    (MISSING, without("note"), {"alliance-3"}),
    (SCORE, lambda r: r["component"][0]["valueQuantity"].update(value=0), {"alliance-4"}),
    (PANEL, lambda r: r["hasMember"].append(r["hasMember"][0]), {"alliance-5"}),
    (RESPONSE, lambda r: r.update(questionnaire=r["questionnaire"].partition("|")[0]), {"alliance-6"}),
    (RESPONSE, lambda r: r.update(status="in-progress"), {"alliance-7"}),
    (RESPONSE, lambda r: r["item"].append(r["item"][0]), {"alliance-8"}),
    (RESPONSE, lambda r: r["item"][0]["item"][0]["answer"].append({"valueDecimal": 1}), {"alliance-9"}),
    (RESPONSE, lambda r: r["item"][-1].update(answer=[{"valueString": "5"}]), {"alliance-10"}),
    (SCORE, lambda r: r["identifier"][0].update(system="urn:other"), {"Observation.identifier:alliance"}),
    (SCORE, lambda r: r["category"].pop(), {"Observation.category", "Observation.category:alliance"}),
    (SCORE, lambda r: r["category"].append(r["category"][0]), {"Observation.category:survey"}),
    (SCORE, without("subject", "issued"), {"Observation.subject", "Observation.issued"}),
    (SCORE, without("effectiveDateTime"), {"Observation.effective[x]"}),
    (SCORE, without("method", "derivedFrom"), {"Observation.method", "Observation.derivedFrom"}),
    (SCORE, lambda r: r.update(performer=[r["subject"]]), {"Observation.performer"}),
    (SCORE, lambda r: r["valueQuantity"].update(code="%"), {"Observation.value[x]"}),
    (SCORE, without("component"), {"Observation.component", "Observation.component:items-answered"}),
    (
        SCORE,
        lambda r: r["component"][0].pop("valueQuantity"),
        {"Observation.component:items-answered.value[x]"},
    ),
    (PANEL, lambda r: r.update(valueQuantity={"value": 5}), {"Observation.value[x]"}),
    (PANEL, without("performer", "hasMember"), {"Observation.performer", "Observation.hasMember"}),
    (RESPONSE, without("identifier", "item"), {"QuestionnaireResponse.identifier", "QuestionnaireResponse.item"}),
    (RESPONSE, lambda r: r["identifier"].update(system="urn:x"), {"QuestionnaireResponse.identifier.system"}),
    (RESPONSE, without("author", "source"), {"QuestionnaireResponse.author", "QuestionnaireResponse.source"}),
]


@pytest.mark.parametrize(("name", "change", "expected"), BREAKS)
def test_what_is_broken_does_not_fit(name: str, change: Break, expected: set[str]) -> None:
    """Each rule and element is there for something: take it away, and that one is named."""
    resource = copy.deepcopy(EXAMPLES[name])
    change(resource)

    found = faults(resource, CLAIMING[name][0])

    assert found == expected


def test_every_rule_is_broken_once() -> None:
    """No rule of ours is without a resource that breaks it."""
    rules = {
        rule["key"] for each in PROFILES.values() for rule in each["differential"]["element"][0].get("constraint", [])
    }

    assert rules <= {key for _, _, expected in BREAKS for key in expected}


def test_bindings_are_pinned_to_value_sets_of_ours() -> None:
    """Codes and methods are bound, with the version, so that a later code is a later package."""
    bound = {
        (each["id"], element["path"]): element["binding"]
        for each in PROFILES.values()
        for element in each["differential"]["element"]
        if "binding" in element
    }

    assert {place: binding["valueSet"].rpartition("/")[2] for place, binding in bound.items()} == {
        ("alliance-panel", "Observation.code"): "alliance-panels|0.0.0",
        ("alliance-panel", "Observation.method"): "alliance-methods|0.0.0",
        ("alliance-score", "Observation.code"): "alliance-scores|0.0.0",
        ("alliance-score", "Observation.method"): "alliance-methods|0.0.0",
    }
    assert all(binding["strength"] == "required" for binding in bound.values())


def test_differentials_are_well_formed() -> None:
    """Ids are unique, paths follow from them, slices are told apart, and the base is named."""
    for profile in PROFILES.values():
        elements = profile["differential"]["element"]
        ids = [each["id"] for each in elements]

        assert len(ids) == len(set(ids))
        assert "snapshot" not in profile
        assert profile["baseDefinition"].startswith("http://hl7.org/fhir/u")
        for each in elements:
            assert ":" not in each["path"]
            if "sliceName" in each:
                assert "slicing" in elements[ids.index(each["id"].rpartition(":")[0])]
