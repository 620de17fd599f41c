"""What a profile adds to its base, read from its differential: cardinality, fixed values, types, codes, invariants."""

from collections.abc import Iterator

from fhir_alliance.conformance.validator.codes import binding_findings
from fhir_alliance.conformance.validator.compiling import constraints
from fhir_alliance.conformance.validator.definitions import Definitions, read_constraints
from fhir_alliance.conformance.validator.findings import Finding, JsonObject, error, information
from fhir_alliance.conformance.validator.invariants import constraint_findings
from fhir_alliance.conformance.validator.selecting import Found, Selector, fixed, matches, segments
from fhir_alliance.conformance.validator.walking import Place


def differential_findings(place: Place, profile: JsonObject, definitions: Definitions) -> Iterator[Finding]:
    """Yield where a resource breaks the differential of a profile."""
    elements = [{"id": each.get("path"), **each} for each in profile.get("differential", {}).get("element", [])]
    selector = Selector(elements, definitions.reuses)
    name = profile["url"].rpartition("/")[2]
    start = Found(path=place.path, value=place.resource)
    at = str(place.resource["resourceType"])
    for element in elements:
        steps = segments(element["id"])
        if steps:
            for parent in selector.select(start, steps[:-1], at=at):
                values = list(selector.children(parent, steps[-1]))
                yield from _count_findings(f"{parent.path}.{steps[-1].name}", len(values), element, name)
        for found in selector.select(start, steps, at=at):
            yield from _value_findings(found, element, name, definitions)
            base = _base(found, element["path"], definitions)
            yield from constraint_findings(found.path, found.value, base, read_constraints(constraints(element)), place)


def _count_findings(path: str, count: int, element: JsonObject, profile: str) -> Iterator[Finding]:
    what = f"the slice {element['sliceName']}" if "sliceName" in element else "this element"
    if count < element.get("min", 0):
        yield error(path, "min", f"{profile} needs {what} at least {element['min']} times; it is there {count} times.")
    if element.get("max", "*").isdigit() and count > int(element["max"]):
        yield error(path, "max", f"{profile} allows {what} at most {element['max']} times; it is there {count} times.")


def _value_findings(found: Found, element: JsonObject, profile: str, definitions: Definitions) -> Iterator[Finding]:
    for how, wanted in fixed(element):
        if not matches(found.value, how, wanted):
            yield error(found.path, how, f"{profile} fixes another value here.")
    binding = element.get("binding", {})
    if binding.get("strength") == "required":
        if definitions.codes(binding["valueSet"]) is None:
            yield information(found.path, "binding", f"Not checked: the codes of {binding['valueSet']} are not known.")
        yield from binding_findings(found.path, found.value, binding["valueSet"], definitions)
    allowed = [f"{kind['code'][0].upper()}{kind['code'][1:]}" for kind in element.get("type", [])]
    if element["path"].endswith("[x]") and allowed and not found.path.endswith(tuple(allowed)):
        yield error(found.path, "type", f"{profile} allows only {', '.join(allowed)}.")


def _base(found: Found, path: str, definitions: Definitions) -> str:
    """Return what defines a value: of a choice the type used, else the path of its element."""
    name = found.path.rpartition(".")[2].partition("[")[0]
    known = definitions.child(path.rpartition(".")[0], name) if path.endswith("[x]") else None
    return known[1] if known else path
