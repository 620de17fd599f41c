"""StructureDefinitions, ValueSets and CodeSystems as the few facts that the checks need, as plain JSON."""

from collections.abc import Iterable, Iterator

from fhir_alliance.conformance.validator.findings import JsonObject

_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_DEFINED_HERE = "#"
# Checked without FHIRPath, where the expression needs what the engine lacks or yields nothing for what is right
# (ref-1 for a reference that is only an identifier); dom-6 is advice about narratives.
_ELSEWHERE = frozenset({"ele-1", "ext-1", "txt-1", "txt-2", "ref-1", "dom-3", "dom-6"})


def no_definitions() -> JsonObject:
    """Return no facts: `elements` by path, `children` by path and JSON name, and those by url."""
    nothing: JsonObject = {"resources": [], "elements": {}, "children": {}, "reused": {}}
    return nothing | {"profiles": {}, "extensions": {}, "value_sets": {}, "code_systems": {}}


def add_definitions(found: JsonObject, resources: Iterable[JsonObject]) -> JsonObject:
    """Add the facts of definitions to `found`, and return it.

    Of types and resources the snapshot counts, of profiles the differential (a profile's base may be out of reach).
    """
    for resource in resources:
        match resource.get("resourceType"):
            case "StructureDefinition":
                _add_structure(found, resource)
            case "ValueSet":
                found["value_sets"][resource["url"]] = _composed(resource.get("compose", {}))
            case "CodeSystem" if resource.get("content") == "complete":
                found["code_systems"][resource["url"]] = list(_codes(resource.get("concept", [])))
    return found


def _add_structure(found: JsonObject, resource: JsonObject) -> None:
    if resource.get("derivation") == "constraint":
        if resource["type"] == "Extension" and "snapshot" in resource:
            found["extensions"][resource["url"]] = _part(resource["snapshot"]["element"], "Extension")
        else:
            kept = ("url", "type", "baseDefinition", "differential")
            found["profiles"][resource["url"]] = {key: resource[key] for key in kept if key in resource}
    elif resource.get("kind") in ("resource", "complex-type", "primitive-type") and "snapshot" in resource:
        if resource["kind"] == "resource" and not resource.get("abstract"):
            found["resources"].append(resource["type"])
        for element in resource["snapshot"]["element"]:
            _add_element(found, element)


def _add_element(found: JsonObject, element: JsonObject) -> None:
    path = element["path"]
    types = [_code(each) for each in element.get("type", [])]
    binding = element.get("binding", {})
    found["elements"][path] = {
        "types": types,
        "targets": sorted({_target(url) for each in element.get("type", []) for url in each.get("targetProfile", [])}),
        "binding": binding.get("valueSet", "") if binding.get("strength") == "required" else "",
        "content": element.get("contentReference", "").removeprefix(_DEFINED_HERE),
        "constraints": constraints(element),
    }
    content = found["elements"][path]["content"]
    if content and path.startswith(f"{content}."):
        found["reused"].setdefault(content, []).append(path[len(content) + 1 :].split("."))
    base, _, name = path.rpartition(".")
    if base:
        names = found["children"].setdefault(base, {})
        for json_name, kind in _names(name, types):
            names[json_name] = [path, kind]


def _names(name: str, types: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the JSON names of an element with their types: a choice `value[x]` has one a type."""
    stem = name.removesuffix("[x]")
    if stem == name:
        yield name, types[0] if types else ""
    else:
        for each in types:
            yield f"{stem}{each[0].upper()}{each[1:]}", each


def _code(kind: JsonObject) -> str:
    """Return a type's code; that of ids and the like is written as an extension in R4."""
    for extension in kind.get("extension", []):
        if extension["url"] == _FHIR_TYPE:
            return str(extension["valueUrl"])
    return str(kind["code"])


def _target(url: str) -> str:
    return url.rpartition("/")[2]


def constraints(element: JsonObject) -> list[list[str]]:
    """Return the invariants of an element that FHIRPath checks: key, severity, sentence, expression."""
    return [
        [each["key"], each["severity"], each.get("human", ""), each["expression"]]
        for each in element.get("constraint", [])
        if "expression" in each and each["key"] not in _ELSEWHERE
    ]


def _part(elements: list[JsonObject], at: str) -> JsonObject:
    """Return what an extension, or a part of one, may hold: `values` by type, `parts` by url."""
    by_id = {str(element.get("id", element["path"])): element for element in elements}
    value = by_id.get(f"{at}.value[x]", {})
    allowed = value.get("max") != "0"
    slices = [each for each in by_id if each.startswith(f"{at}.extension:") and "." not in each[len(at) + 1 :]]
    return {
        "min": by_id.get(at, {}).get("min", 0),
        "values": [_code(each) for each in value.get("type", [])] if allowed else [],
        "value_min": value.get("min", 0) if allowed else 0,
        "parts": {_slice_url(by_id, each): _part(elements, each) for each in slices},
    }


def _slice_url(by_id: JsonObject, at: str) -> str:
    profiles = [url for kind in by_id[at].get("type", []) for url in kind.get("profile", [])]
    fixed = by_id.get(f"{at}.url", {}).get("fixedUri")
    return str(fixed or next(iter(profiles), at))


def _composed(compose: JsonObject) -> JsonObject:
    return {key: [_included(each) for each in compose.get(key, [])] for key in ("include", "exclude")}


def _included(include: JsonObject) -> JsonObject:
    return {
        "system": include.get("system", ""),
        "codes": [each["code"] for each in include["concept"]] if "concept" in include else None,
        "sets": include.get("valueSet", []),
        "filtered": "filter" in include,
    }


def _codes(concepts: list[JsonObject]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", []))
