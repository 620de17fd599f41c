"""An extension holds either a value of a type its definition allows, or its parts (FHIR R4, ext-1)."""

from collections import Counter
from collections.abc import Iterator

from fhir_alliance.conformance.validator.definitions import Definitions
from fhir_alliance.conformance.validator.findings import Finding, JsonObject, error, objects
from fhir_alliance.conformance.validator.walking import Node


def extension_findings(node: Node, definitions: Definitions) -> Iterator[Finding]:
    """Yield what is wrong with one extension; of one that is not known, only whether it has value and parts."""
    if not isinstance(node.value, dict):
        return
    values = _values(node.value)
    if bool(values) == bool(node.value.get("extension")):
        yield error(node.path, "ext-1", "An extension has either a value or extensions, and not both.")
        return
    definition = definitions.extension(str(node.value.get("url")))
    if definition:
        yield from _part_findings(node.path, node.value, definition)


def _values(extension: JsonObject) -> list[str]:
    return [key for key in extension if key.lstrip("_").startswith("value")]


def _part_findings(path: str, extension: JsonObject, definition: JsonObject) -> Iterator[Finding]:
    allowed = {f"value{kind[0].upper()}{kind[1:]}" for kind in definition["values"]}
    for value in sorted({each.lstrip("_") for each in _values(extension)}):
        if value not in allowed:
            what = ", ".join(sorted(allowed)) or "extensions and no value"
            yield error(f"{path}.{value}", "extension", f"{extension.get('url')} takes {what}.")
    if definition["value_min"] and not _values(extension):
        yield error(path, "extension", f"{extension.get('url')} needs a value.")
    if definition["parts"] and not _values(extension):
        yield from _parts_findings(path, extension, definition["parts"])


def _parts_findings(path: str, extension: JsonObject, parts: JsonObject) -> Iterator[Finding]:
    inner = objects(extension.get("extension"))
    counts = Counter(str(each.get("url")) for each in inner)
    for url, part in parts.items():
        if counts[url] < part["min"]:
            yield error(path, "extension", f"{extension.get('url')} needs the part “{url}”.")
    for index, each in enumerate(inner):
        known = parts.get(str(each.get("url")))
        if known:
            yield from _part_findings(f"{path}.extension[{index}]", each, known)
