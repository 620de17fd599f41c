"""The structure of a resource: known elements, cardinality, JSON types, formats, as fhirkit checks them (FHIR R4)."""

from collections.abc import Iterator

import fhirkit

from fhir_alliance.conformance.validator.findings import Finding, JsonObject, error, warning


def structure_findings(path: str, resource: JsonObject) -> Iterator[Finding]:
    """Yield what is wrong with the structure of a resource and of those inside it; `path` is where it stands."""
    name = str(resource.get("resourceType"))
    for issue in fhirkit.validate(resource):
        say = error if issue.severity == "error" else warning
        yield say(path + issue.path.removeprefix(name), "structure", _sentence(issue.message))


def _sentence(message: str) -> str:
    return f"{message[0].upper()}{message[1:]}."
