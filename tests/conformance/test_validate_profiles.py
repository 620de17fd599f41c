"""A profile among the files, or among the definitions, is applied to what claims it; links are followed."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from fhir_alliance.terms import FHIR_EXTENSION, US_CORE_SCREENING

from .validating import BUNDLE, FORM, OBSERVATION, PROVENANCE, RESPONSE, JsonObject, Path_, changed, errors, findings

URL = "https://example.org/fhir/StructureDefinition/score"
SET = "https://example.org/fhir/ValueSet/units"
CODES = "https://example.org/fhir/CodeSystem/units"
NOTE = "https://example.org/fhir/StructureDefinition/note"


def profile(*elements: JsonObject, base: str = f"{FHIR_EXTENSION}/Observation", **more: object) -> JsonObject:
    """Return a profile with this differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": URL,
        "name": "Score",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": [{"path": each["id"].partition(":")[0], **each} for each in elements or [ROOT]]},
        **more,
    }


def claiming(resource: JsonObject = OBSERVATION, url: str = URL) -> JsonObject:
    """Return a resource that claims a profile."""
    return changed(resource, ("meta",), {"profile": [url]})


ROOT: JsonObject = {"id": "Observation"}
EXAMPLE_CODE = {"coding": [{"system": "https://example.org/codes", "code": "score"}]}
SURVEY = {"coding": [{"code": "survey"}]}
UNITS: JsonObject = {
    "resourceType": "ValueSet",
    "url": SET,
    "status": "active",
    "compose": {
        "include": [{"system": CODES}, {"valueSet": [f"{SET}-more"]}],
        "exclude": [{"system": CODES, "concept": [{"code": "no"}]}],
    },
}
MORE_UNITS: JsonObject = {
    "resourceType": "ValueSet",
    "url": f"{SET}-more",
    "status": "active",
    "compose": {"include": [{"system": "http://unitsofmeasure.org", "concept": [{"code": "{score}"}]}]},
}
UNIT_CODES: JsonObject = {
    "resourceType": "CodeSystem",
    "url": CODES,
    "status": "active",
    "content": "complete",
    "concept": [{"code": "yes", "concept": [{"code": "no"}]}],
}


@pytest.mark.parametrize(
    ("element", "fault"),
    [
        ({"id": "Observation.note", "min": 1}, ("min", "Observation.note")),
        ({"id": "Observation.value[x]", "max": "0"}, ("max", "Observation.value[x]")),
        ({"id": "Observation.value[x]", "type": [{"code": "string"}]}, ("type", "Observation.valueQuantity")),
        ({"id": "Observation.status", "fixedCode": "amended"}, ("fixed", "Observation.status")),
        (
            {"id": "Observation.code", "patternCodeableConcept": {"coding": [{"code": "else"}]}},
            ("pattern", "Observation.code"),
        ),
        (
            {"id": "Observation.code.coding.system", "fixedUri": "https://example.org/else"},
            ("fixed", "Observation.code.coding[0].system"),
        ),
        ({"id": "Observation.component.interpretation", "min": 1}, ("min", "Observation.component[0].interpretation")),
        (
            {"id": "Observation.category:exam", "sliceName": "exam", "min": 1, "patternCodeableConcept": {"text": "x"}},
            ("min", "Observation.category"),
        ),
        (
            {"id": "Observation.category:survey", "sliceName": "survey", "max": "0", "patternCodeableConcept": SURVEY},
            ("max", "Observation.category"),
        ),
        (
            {
                "id": "Observation.value[x]:valueQuantity",
                "sliceName": "valueQuantity",
                "patternQuantity": {"unit": "points"},
            },
            ("pattern", "Observation.valueQuantity"),
        ),
        (
            {
                "id": "Observation.extension:note",
                "sliceName": "note",
                "min": 1,
                "type": [{"code": "Extension", "profile": [NOTE]}],
            },
            ("min", "Observation.extension"),
        ),
        (
            {
                "id": "Observation.valueQuantity",
                "binding": {"strength": "required", "valueSet": f"{SET}-more"},
                "max": "0",
            },
            ("max", "Observation.valueQuantity"),
        ),
        (
            {
                "id": "Observation.code",
                "constraint": [
                    {"key": "own-1", "severity": "error", "human": "A text.", "expression": "text.exists()"}
                ],
            },
            ("own-1", "Observation.code"),
        ),
        (
            {
                "id": "Observation.value[x]",
                "constraint": [
                    {"key": "own-2", "severity": "error", "human": "Points.", "expression": "($this is Quantity).not()"}
                ],
            },
            ("own-2", "Observation.valueQuantity"),
        ),
    ],
    ids=lambda each: f"{each[0]}-{each[1]}" if isinstance(each, tuple) else "",
)
def test_a_differential_is_applied(element: JsonObject, fault: tuple[str, str]) -> None:
    """What a profile adds is held against who claims it, and against nobody else."""
    definition = profile(element)

    assert errors(claiming(), definition, MORE_UNITS) == [fault]
    assert errors(OBSERVATION, definition, MORE_UNITS) == []


@pytest.mark.parametrize(
    "element",
    [
        {"id": "Observation.note", "min": 0, "max": "*"},
        {"id": "Observation.value[x]", "min": 1, "type": [{"code": "Quantity"}]},
        {"id": "Observation.code", "patternCodeableConcept": EXAMPLE_CODE},
        {"id": "Observation.category:survey", "sliceName": "survey", "min": 1, "patternCodeableConcept": SURVEY},
        {"id": "Observation.status", "binding": {"strength": "preferred", "valueSet": SET}},
        {"id": "Observation.hasMember.display", "min": 1},
        {"id": "Observation.subject.reference.extension", "min": 1},
    ],
    ids=lambda each: each["id"],
)
def test_what_a_profile_allows_is_right(element: JsonObject) -> None:
    """A resource that keeps a profile has no error."""
    assert [each for each in errors(claiming(), profile(element)) if "reference" not in each[1]] == []


def test_a_slice_is_told_by_what_it_fixes_below() -> None:
    """A slice whose code is fixed two levels down counts only the components with that code."""
    items = {"id": "Observation.component:items", "sliceName": "items", "min": 1}
    code = {
        "id": "Observation.component:items.code.coding.code",
        "path": "Observation.component.code.coding.code",
        "fixedCode": "items",
    }
    value = {"id": "Observation.component:items.dataAbsentReason", "path": "Observation.component.dataAbsentReason"}
    definition = profile(items, code, {**value, "min": 1})

    assert errors(claiming(), definition) == [("min", "Observation.component[0].dataAbsentReason")]
    other = changed(claiming(), ("component", 0, "code", "coding", 0, "code"), "else")
    assert errors(other, definition) == [("min", "Observation.component")]


@pytest.mark.parametrize(
    ("discriminators", "found"),
    [
        ([{"type": "pattern", "path": "code"}], ("pattern", "Observation.component[0].valueQuantity")),
        ([{"type": "pattern", "path": "$this"}], ("min", "Observation.component")),
        ([], ("min", "Observation.component")),
    ],
)
def test_a_slice_is_told_by_its_discriminators(discriminators: list[JsonObject], found: tuple[str, str]) -> None:
    """What a slice fixes besides its discriminators is asked of its members, and does not make them members."""
    slicing: JsonObject = {"id": "Observation.component"}
    if discriminators:
        slicing["slicing"] = {"discriminator": discriminators, "rules": "open"}
    items = {"id": "Observation.component:items", "sliceName": "items", "min": 1}
    code = {"path": "Observation.component.code", "patternCodeableConcept": {"coding": [{"code": "items"}]}}
    value = {"path": "Observation.component.value[x]", "patternQuantity": {"unit": "else"}}
    definition = profile(
        slicing,
        items,
        {"id": "Observation.component:items.code", **code},
        {"id": "Observation.component:items.value[x]", **value},
    )

    assert errors(claiming(), definition) == [found]


def test_an_extension_slice_is_told_by_its_url() -> None:
    """A profile that asks for an extension counts those with the url of the extension's own definition."""
    note = {"id": "Observation.extension:note", "sliceName": "note", "min": 1, "max": "1"}
    definition = profile(
        {"id": "Observation.code", "min": 1}, {**note, "type": [{"code": "Extension", "profile": [NOTE]}]}
    )
    one = {"url": NOTE, "valueString": "x"}
    other = {"url": f"{NOTE}-else", "valueString": "x"}

    for extensions, rules in (([one, other], []), ([other], ["min"]), ([one, one], ["max"])):
        found = errors({**claiming(), "extension": extensions}, definition)
        assert [rule for rule, _ in found] == rules


def test_a_fixed_value_below_an_element_of_the_wrong_kind() -> None:
    """A profile that looks below a text finds nothing there, and says what it needs is missing."""
    element = {"id": "Observation.status.extension.value[x]", "fixedString": "x"}

    assert errors(claiming(), profile(element)) == []


@pytest.mark.parametrize(("code", "valid"), [("yes", True), ("{score}", True), ("no", False), ("else", False)])
def test_codes_of_value_sets_among_the_files(code: str, valid: bool) -> None:
    """A set that includes a system and another set, and excludes a code, is listed."""
    element = {"id": "Observation.valueQuantity", "binding": {"strength": "required", "valueSet": f"{SET}|1"}}
    system = "http://unitsofmeasure.org" if code == "{score}" else CODES
    quantity = {"value": 1, "system": system, "code": code}

    found = errors(changed(claiming(), ("valueQuantity",), quantity), profile(element), UNITS, MORE_UNITS, UNIT_CODES)

    assert found == ([] if valid else [("binding", "Observation.valueQuantity")])


def test_one_code_of_several_is_enough() -> None:
    """A concept may be said in more systems than the one it is bound to."""
    element = {"id": "Observation.code", "binding": {"strength": "required", "valueSet": SET}}
    both = {"coding": [{"system": "https://example.org/else", "code": "else"}, {"system": CODES, "code": "yes"}]}
    sets = (profile(element), UNITS, MORE_UNITS, UNIT_CODES)

    assert errors(changed(claiming(), ("code",), both), *sets) == []
    assert errors(changed(claiming(), ("code",), {"text": "yes"}), *sets) == [("binding", "Observation.code")]


@pytest.mark.parametrize(
    "value_set",
    [
        UNITS,
        changed(UNITS, ("compose", "include", 0, "filter"), [{"property": "a", "op": "=", "value": "b"}]),
        changed(UNITS, ("compose", "include", 1, "valueSet", 0), SET),
        changed(UNITS, ("compose",), None),
    ],
    ids=["unknown-system", "filter", "itself", "nothing"],
)
def test_codes_that_cannot_be_listed_are_not_checked(value_set: JsonObject) -> None:
    """Where a set cannot be listed offline that is said, and no code is called wrong."""
    element = {"id": "Observation.valueQuantity", "binding": {"strength": "required", "valueSet": SET}}

    found = findings(claiming(), profile(element), value_set, MORE_UNITS)

    assert [(each.severity, each.rule) for each in found] == [("information", "binding")]


def test_profiles_build_on_profiles() -> None:
    """A profile on the US Core profile asks for both; a circle of profiles ends."""
    note = {"id": "Observation.note", "min": 1}
    bare = changed(claiming(), ("category",), None)

    assert [rule for rule, _ in errors(bare, profile(note, base=US_CORE_SCREENING))] == ["min", "us-core-survey"]
    assert errors(claiming(), profile(base=URL)) == []


def test_a_profile_that_is_not_known_is_told() -> None:
    """A claimed profile without a definition is not checked, nor is the unknown base of a known one."""
    unknown = "https://example.org/fhir/StructureDefinition/unknown"

    for resource, more in ((claiming(url=unknown), ()), (claiming(), (profile(base=unknown),))):
        (found,) = findings(resource, *more)
        assert (found.severity, found.rule, found.path) == ("information", "profile", "Observation.meta.profile[0]")


def test_a_profile_of_another_type_is_an_error() -> None:
    """A Provenance cannot claim a profile of Observation."""
    assert errors(claiming(PROVENANCE), profile()) == [("profile", "Provenance.meta.profile[0]")]


def test_a_broken_profile_is_not_used() -> None:
    """A profile whose structure is wrong is reported, and not applied to others."""
    broken = changed(profile({"id": "Observation.note", "min": 1}), ("name",), None)

    assert ("structure", "StructureDefinition.name") in errors(broken)
    assert errors(claiming(), broken) == []


def test_an_extension_defined_among_the_files_is_known() -> None:
    """An extension's definition says which value it takes."""
    snapshot = [
        {"id": "Extension", "path": "Extension", "min": 0, "max": "1"},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "max": "1", "type": [{"code": "string"}]},
    ]
    definition = profile(url=NOTE, type="Extension", kind="complex-type", snapshot={"element": snapshot})
    noted = changed(OBSERVATION, ("extension",), [{"url": NOTE, "valueBoolean": True}])
    empty = changed(OBSERVATION, ("extension",), [{"url": NOTE, "extension": [{"url": "x", "valueString": "x"}]}])

    assert errors(noted, definition) == [("extension", "Observation.extension[0].valueBoolean")]
    assert errors(empty, definition) == [("extension", "Observation.extension[0]")]
    assert errors(noted) == []


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("derivedFrom",), [{"reference": "urn:uuid:7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10"}], "resolves"),
        (("derivedFrom",), [{"reference": "QuestionnaireResponse/else"}], "resolves"),
        (("derivedFrom",), [{"reference": "QuestionnaireResponse/response-1/_history/2"}], ""),
        (("derivedFrom",), [{"reference": "https://ehr.example.org/fhir/QuestionnaireResponse/1"}], ""),
        (("encounter",), {"reference": "Encounter/1"}, ""),
        (("instantiatesCanonical",), None, ""),
    ],
)
def test_references_lead_somewhere(path: Path_, value: object, rule: str) -> None:
    """A reference that should be among the files and is not is a warning; what may be elsewhere is not."""
    observation = changed(OBSERVATION, path, value) if value else OBSERVATION

    found = [each for each in findings(observation, RESPONSE, FORM) if each.rule != "profile"]

    assert [(each.severity, each.rule) for each in found] == ([("warning", rule)] if rule else [])


def test_references_in_a_transaction_are_for_the_server() -> None:
    """A transaction's relative references point into the server; those to its own entries must be there."""
    bundle = changed(BUNDLE, ("entry", 1, "resource", "target", 0, "reference"), "Observation/else")
    assert findings(bundle) == []

    broken = changed(bundle, ("entry", 1, "resource", "target", 0, "reference"), "urn:uuid:" + "0" * 36)
    assert [each.rule for each in findings(broken)] == ["resolves"]
    collection = changed({**bundle, "type": "collection"}, ("entry", 0, "request"), None)
    assert "resolves" in [each.rule for each in findings(collection)]


@pytest.mark.parametrize(
    ("url", "pinned"),
    [
        ("https://example.org/fhir/ValueSet/x", False),
        ("https://example.org/fhir/ValueSet/x|1", True),
        ("http://hl7.org/fhir/ValueSet/observation-status", True),
        ("http://hl7.org/fhir/us/core/ValueSet/us-core-x", False),
        ("#inside", True),
    ],
)
def test_canonicals_are_pinned(url: str, pinned: bool) -> None:
    """A canonical without a version is a warning, except FHIR's own and what is contained."""
    form = changed(FORM, ("item", 0, "item", 0, "answerOption"), None)
    form = changed(form, ("item", 0, "item", 0, "answerValueSet"), url)

    found = findings(form)

    assert [(each.severity, each.rule) for each in found] == ([] if pinned else [("warning", "pinned")])


def test_a_guide_names_the_version_beside_the_canonical() -> None:
    """What an ImplementationGuide depends on has its version in an element of its own."""
    guide = {
        "resourceType": "ImplementationGuide",
        "url": "https://example.org/fhir/ImplementationGuide/ours",
        "name": "Ours",
        "status": "draft",
        "packageId": "org.example.ours",
        "fhirVersion": ["4.0.1"],
        "dependsOn": [{"uri": "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core", "version": "6.1.0"}],
    }

    assert findings(guide) == []


JUNK: tuple[Any, ...] = (
    *(None, 0, 1.5, True, "", "x", "#x", "http://x|1", "2026-02-30", [], [None], [[]], {}, {"a": 1}, [{}], ["x"]),
    *({"coding": 5}, {"reference": 5}, {"extension": [None]}, {"url": {}}, {"resourceType": []}),
)


def _spots(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _spots(child, (*path, key))


@pytest.mark.parametrize("seed", range(30))
def test_nothing_crashes_the_validator(seed: int) -> None:
    """Resources with anything anywhere are checked to the end, and are left as they were."""
    chance = random.Random(seed)  # noqa: S311 the same nonsense each time
    category = {"id": "Observation.category:s", "sliceName": "s", "min": 1, "patternCodeableConcept": SURVEY}
    everything = [FORM, RESPONSE, claiming(), PROVENANCE, BUNDLE, profile(category), UNITS, UNIT_CODES]
    for _ in range(4):
        index = chance.randrange(len(everything))
        path = chance.choice(list(_spots(everything[index])))
        everything[index] = changed(everything[index], path, deepcopy(chance.choice(JUNK)))
    before = json.dumps(everything)

    for resource in everything:
        findings(resource, *everything)

    assert json.dumps(everything) == before
