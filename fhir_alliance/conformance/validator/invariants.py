"""Invariants: the FHIRPath expressions of the definitions, through fhirpathpy."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models

from fhir_alliance.conformance.validator.definitions import Constraint, Definitions
from fhir_alliance.conformance.validator.findings import Finding, JsonObject, error, information, objects, warning
from fhir_alliance.conformance.validator.walking import Node, Place

# `trace` prints; it does not change a result.
_TRACE = re.compile(r"\.trace\('[^']*'(?:, *\w+)?\)")


def invariant_findings(place: Place, definitions: Definitions) -> Iterator[Finding]:
    """Yield the invariants that a resource, or an element or type within it, breaks."""
    yield from _contained_findings(place)
    for node in place.nodes:
        for base in _defined_by(node):
            constraints = definitions.element(base).constraints
            if constraints:
                yield from constraint_findings(node.path, node.value, base, constraints, place)


def _defined_by(node: Node) -> Iterable[str]:
    """Return the paths that define an element: where it is used, and its type."""
    if node.kind == "Resource":
        return ()  # its own walk
    return dict.fromkeys((node.element.content or node.element.path, node.kind))


def constraint_findings(
    path: str, value: Any, base: str, constraints: Sequence[Constraint], place: Place
) -> Iterator[Finding]:
    """Yield a finding for each constraint that does not hold for a value; `base` is the path of its definition.

    What is neither true nor false counts as broken, as in HL7's own validator.
    """
    for constraint in constraints:
        finding = _evaluated(path, value, base, constraint, place)
        if finding:
            yield finding


def _evaluated(path: str, value: Any, base: str, constraint: Constraint, place: Place) -> Finding | None:
    variables = {"resource": place.resource, "rootResource": place.root}
    try:
        holds = _compiled(constraint.expression)(_typed(value, base), variables)
    except Exception as problem:  # the engine raises bare ones for what it does not implement
        why = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        return information(path, constraint.key, f"Not checked: the expression could not be evaluated ({why}).")
    if holds == [True]:
        return None
    say = error if constraint.severity == "error" else warning
    return say(path, constraint.key, constraint.human)


def _typed(value: Any, base: str) -> Any:
    """Return a value as one of the type defined at a path, so that choices in it are found by their short name."""
    return ResourceNode.create_node(value, base)  # type: ignore[no-untyped-call]


@cache
def _compiled(expression: str) -> Callable[[Any, JsonObject], list[Any]]:
    """Return an expression ready to run; it is compiled when first run, so that a fault in it is caught there."""
    compiled: Callable[[Any, JsonObject], list[Any]] = fhirpathpy.compile(
        _TRACE.sub("", expression), model=models["r4"], options={"userInvocationTable": _FUNCTIONS}
    )
    return compiled


def _has_value(inputs: list[Any]) -> list[bool]:
    """Return whether there is one primitive value: FHIR's own function, which the engine lacks."""
    return [len(inputs) == 1 and inputs[0] is not None and not isinstance(inputs[0], dict | list)]


_FUNCTIONS = {"hasValue": {"fn": _has_value}}


def _contained_findings(place: Place) -> Iterator[Finding]:
    """Yield references to contained resources that are not there (ref-1), and those that nothing refers to (dom-3)."""
    there = {"#", *(f"#{each.get('id')}" for each in objects(place.root.get("contained")))}
    for node in (each for each in place.nodes if each.kind == "Reference"):
        target = node.value.get("reference") if isinstance(node.value, dict) else None
        if isinstance(target, str) and target.startswith("#") and target not in there:
            yield error(node.path, "ref-1", f"No contained resource is called {target}.")
    used = set(_local_references(place.resource))
    for index, contained in enumerate(objects(place.resource.get("contained"))):
        refers_back = "#" in set(_local_references(contained))
        if f"#{contained.get('id')}" not in used and not refers_back:
            yield error(f"{place.path}.contained[{index}]", "dom-3", "Nothing in the resource refers to it.")


def _local_references(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("#"):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _local_references(child)
