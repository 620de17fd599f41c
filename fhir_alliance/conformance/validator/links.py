"""What resources point at: forms and definitions among the files, and whether references can be followed."""

from collections.abc import Iterable, Iterator

from fhir_alliance.conformance.validator.elements import reference_type
from fhir_alliance.conformance.validator.findings import Finding, JsonObject, objects, warning
from fhir_alliance.conformance.validator.structure import structure_findings
from fhir_alliance.conformance.validator.walking import Node, Place

_DEFINITIONS = ("StructureDefinition", "ValueSet", "CodeSystem")
# Bundles whose relative references are for the server that receives them.
_TO_A_SERVER = ("transaction", "batch")
# What a server may add to a resource, and what has its version beside it.
_UNPINNED = ("Meta.profile", "ImplementationGuide.dependsOn.uri")
# FHIR's own definitions come with the FHIR version; those of implementation guides have a version of their own.
_OF_FHIR = "http://hl7.org/fhir/"
_OF_GUIDES = (f"{_OF_FHIR}us/", f"{_OF_FHIR}uv/")


class Known:
    """The resources among the files: what may be referred to, and what defines others. Contained ones are neither."""

    def __init__(self, documents: Iterable[JsonObject]) -> None:
        resources = [each for document in documents for each in _independent(document)]
        self._resources = resources
        self._literal = {f"{each.get('resourceType')}/{each['id']}" for each in resources if "id" in each}
        self._kinds = {each.partition("/")[0] for each in self._literal}
        self._urls = {str(entry.get("fullUrl")) for each in resources for entry in objects(each.get("entry"))}
        self._forms = {_canonical(each): each for each in resources if _is_sound(each, "Questionnaire")}
        self._forms |= {canonical.partition("|")[0]: each for canonical, each in self._forms.items()}

    def definitions(self) -> list[JsonObject]:
        """Return the profiles, value sets and code systems whose structure is right."""
        return [each for each in self._resources if "url" in each and _is_sound(each, *_DEFINITIONS)]

    def form(self, canonical: str) -> JsonObject | None:
        """Return the Questionnaire with this canonical."""
        return self._forms.get(canonical)

    def lacks(self, reference: str) -> bool:
        """Whether a reference should be found among the files and is not."""
        if reference.startswith(("urn:uuid:", "urn:oid:")):
            return reference not in self._urls
        literal = reference.partition("/_history/")[0]
        expected = reference_type(literal) in self._kinds and not literal.startswith("http")
        return expected and literal not in self._literal


def link_findings(place: Place, known: Known, *, to_a_server: bool) -> Iterator[Finding]:
    """Yield canonicals without a version and references that lead nowhere, as warnings.

    A relative reference is expected to lead somewhere only when others of its type are among the files.
    """
    for node in place.nodes:
        if node.kind == "canonical" and isinstance(node.value, str) and _should_be_pinned(node):
            yield warning(node.path, "pinned", f"{node.value} names no version (url|version).")
        if node.kind == "Reference" and isinstance(node.value, dict):
            reference = node.value.get("reference")
            relative = isinstance(reference, str) and not reference.startswith("urn:")
            if isinstance(reference, str) and not (relative and to_a_server) and known.lacks(reference):
                yield warning(node.path, "resolves", f"{reference} is not among what was checked.")


def is_to_a_server(resource: JsonObject) -> bool:
    """Whether a resource is a Bundle that a server will act on."""
    return resource.get("resourceType") == "Bundle" and resource.get("type") in _TO_A_SERVER


def _should_be_pinned(node: Node) -> bool:
    url = str(node.value)
    of_fhir = url.startswith(_OF_FHIR) and not url.startswith(_OF_GUIDES)
    return "|" not in url and not url.startswith("#") and not of_fhir and node.element.path not in _UNPINNED


def _independent(resource: JsonObject) -> Iterator[JsonObject]:
    """Yield a resource and those in it that stand for themselves."""
    yield resource
    for holder in (*objects(resource.get("entry")), *objects(resource.get("parameter"))):
        if isinstance(holder.get("resource"), dict):
            yield from _independent(holder["resource"])


def _is_sound(resource: JsonObject, *kinds: str) -> bool:
    """Whether a resource of one of these kinds has the right structure, so that others can be checked by it."""
    kind = resource.get("resourceType")
    return kind in kinds and not any(structure_findings("", resource))


def _canonical(resource: JsonObject) -> str:
    url, version = str(resource.get("url", "")), resource.get("version")
    return f"{url}|{version}" if version else url
