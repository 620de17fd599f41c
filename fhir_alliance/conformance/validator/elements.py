"""Checks of one element alone: its code, what it refers to, ids, days that exist, nothing empty."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from fhir_alliance.conformance.validator.codes import code_findings
from fhir_alliance.conformance.validator.definitions import Definitions
from fhir_alliance.conformance.validator.extensions import extension_findings
from fhir_alliance.conformance.validator.findings import Finding, error
from fhir_alliance.conformance.validator.narrative import narrative_fault
from fhir_alliance.conformance.validator.walking import Node

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T.*)?")
# A relative or absolute literal reference, perhaps to one version (FHIR R4, references).
_LITERAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


def element_findings(node: Node, definitions: Definitions) -> Iterator[Finding]:
    """Yield what is wrong with one element by itself (FHIR R4, data types and references)."""
    if node.value == {}:
        yield error(node.path, "ele-1", "An element has a value or children; leave it out instead.")
        return
    if node.element.binding:
        yield from code_findings(node, definitions)
    check = _BY_KIND.get(node.kind)
    fault = check(node.value) if check else None
    if fault:
        yield error(node.path, *fault)
    if node.kind == "Reference":
        yield from _target_findings(node)
    if node.kind == "Extension":
        yield from extension_findings(node, definitions)
    if node.kind in definitions.resources:
        yield from _id_findings(node)


def _day_fault(value: Any) -> tuple[str, str] | None:
    """Say whether the day exists: formats alone let 30 February pass."""
    match = _DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day = (int(part or 1) for part in match.groups())
    try:
        date(year, month, day)
    except ValueError:
        return "date", "There is no such day."
    return None


_BY_KIND: dict[str, Callable[[Any], tuple[str, str] | None]] = {
    "date": _day_fault,
    "dateTime": _day_fault,
    "instant": _day_fault,
    "Narrative": narrative_fault,
}


def _id_findings(node: Node) -> Iterator[Finding]:
    found = node.value.get("id")
    if isinstance(found, str) and not _ID.fullmatch(found):
        yield error(f"{node.path}.id", "id", "An id has 1 to 64 letters, digits, hyphens and dots.")


def reference_type(reference: str) -> str:
    """Return the resource type that a literal reference names, or an empty text."""
    match = _LITERAL.search(reference)
    return match[1] if match else ""


def _target_findings(node: Node) -> Iterator[Finding]:
    targets, value = node.element.targets, node.value
    if not isinstance(value, dict) or not targets or "Resource" in targets:
        return
    named = [value.get("type"), reference_type(str(value.get("reference", "")))]
    for kind in filter(None, named):
        if kind not in targets:
            yield error(node.path, "reference-target", f"Refers to {kind}; allowed are {', '.join(sorted(targets))}.")
