"""All checks over all files: one file's faults never keep the others from being checked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from fhir_alliance.conformance.validator.claims import claim_findings
from fhir_alliance.conformance.validator.definitions import Definitions
from fhir_alliance.conformance.validator.elements import element_findings
from fhir_alliance.conformance.validator.findings import (
    Checked,
    Finding,
    JsonObject,
    Severity,
    error,
    information,
    unique,
)
from fhir_alliance.conformance.validator.inputs import Document, read_documents
from fhir_alliance.conformance.validator.invariants import invariant_findings
from fhir_alliance.conformance.validator.links import Known, is_to_a_server, link_findings
from fhir_alliance.conformance.validator.responses import response_findings
from fhir_alliance.conformance.validator.shipped import shipped_definitions, shipped_form
from fhir_alliance.conformance.validator.structure import structure_findings
from fhir_alliance.conformance.validator.walking import Place, places

# Resource types of FHIR R4B, R5 and SQL on FHIR: real, but not defined by R4.
_NOT_R4 = frozenset(
    {"ViewDefinition", "ActorDefinition", "Citation", "ConditionDefinition", "Requirements", "SubscriptionStatus"}
    | {"SubscriptionTopic", "TestPlan", "Transport"}
)


def validate(paths: Iterable[Path], definitions: Definitions) -> list[Checked]:
    """Check files and folders; profiles, value sets and forms among them are used for the others.

    Returns a `Checked` a file, in the order read.
    """
    documents = [document for path in paths for document in read_documents(path)]
    known = Known(document.resource for document in documents if document.resource)
    validator = Validator(definitions.extended([*shipped_definitions(), *known.definitions()]), known)
    by_file = groupby(documents, key=lambda document: document.name)
    return [validator.check_file(name, list(those)) for name, those in by_file]


class Validator:
    """The checks with what they need to know: definitions, and the resources that may be referred to."""

    def __init__(self, definitions: Definitions, known: Known) -> None:
        self._definitions = definitions
        self._known = known

    def check_file(self, name: str, documents: Iterable[Document]) -> Checked:
        """Return the findings of everything in one file."""
        found: list[Finding] = []
        count = 0
        for document in documents:
            inside = list(self._places(document.resource)) if document.resource is not None else []
            count += len(inside)
            faults = [document.fault] if document.fault else []
            found += (replace(each, line=document.line) for each in (*faults, *self._resource_findings(inside)))
        return Checked(name=name, resources=count, findings=unique(found))

    def _places(self, resource: JsonObject) -> Iterator[Place]:
        return places(str(resource.get("resourceType", "")), resource, self._definitions)

    def _resource_findings(self, inside: Sequence[Place]) -> Iterator[Finding]:
        """Yield what is wrong with the first of these resources and those within it; nothing when there is none."""
        if not inside:
            return
        whole = inside[0]
        kind = str(whole.resource.get("resourceType"))
        if kind in _NOT_R4:
            yield information(whole.path, "type", f"Not checked: {kind} is not a resource of FHIR R4.")
            return
        if kind not in self._definitions.resources:
            yield error(whole.path, "type", "No resourceType of FHIR R4; is it misspelt?")
            return
        structure = list(structure_findings(whole.path, whole.resource))
        yield from structure
        broken = {finding.path for finding in structure if finding.severity is Severity.ERROR}
        to_a_server = is_to_a_server(whole.resource)
        for place in inside:
            for node in place.nodes:
                yield from (each for each in element_findings(node, self._definitions) if each.path not in broken)
            yield from link_findings(place, self._known, to_a_server=to_a_server)
            if any(_is_inside(path, place, inside) for path in broken):
                yield information(place.path, "rules", "Rules and profiles are checked once the structure is right.")
            else:
                yield from self._rule_findings(place)

    def _rule_findings(self, place: Place) -> Iterator[Finding]:
        yield from invariant_findings(place, self._definitions)
        yield from claim_findings(place, self._definitions)
        if place.resource["resourceType"] == "QuestionnaireResponse":
            yield from response_findings(place, self._find_form)

    def _find_form(self, canonical: str, language: str) -> JsonObject | None:
        return self._known.form(canonical) or shipped_form(canonical, language)


def _is_inside(path: str, place: Place, inside: Sequence[Place]) -> bool:
    """Whether a path is in a resource itself, and not in one that it contains."""
    at = max((each.path for each in inside if _begins(path, each.path)), key=len)
    return at == place.path


def _begins(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) :][:1] in ("", ".", "[")
