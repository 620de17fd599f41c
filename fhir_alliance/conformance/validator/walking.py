"""A resource as its elements, each with its definition; what the definitions do not know is passed over."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_alliance.conformance.validator.definitions import Definitions, Element
from fhir_alliance.conformance.validator.findings import JsonObject

# Types whose content is defined where they are used.
_INLINE = frozenset({"BackboneElement", "Element"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One element with its value; `kind` is its type, of a choice the one used."""

    path: str
    element: Element
    kind: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Place:
    """A resource and where it stands: `root` is itself, or the resource that contains it.

    `nodes` are all its elements, itself first; a resource inside it is one node.
    """

    path: str
    resource: JsonObject
    root: JsonObject
    nodes: tuple[Node, ...]


def places(path: str, resource: JsonObject, definitions: Definitions) -> Iterator[Place]:
    """Yield a resource and those inside it: in a Bundle's entries, in Parameters, contained."""
    yield from _places(path, resource, resource, definitions)


def _places(path: str, resource: JsonObject, root: JsonObject, definitions: Definitions) -> Iterator[Place]:
    nodes = tuple(_walk(path, resource, definitions))
    yield Place(path=path, resource=resource, root=root, nodes=nodes)
    for node in nodes:
        if node.kind == "Resource" and isinstance(node.value, dict):
            contained = node.element.path.endswith(".contained")
            yield from _places(node.path, node.value, root if contained else node.value, definitions)


def _walk(path: str, resource: JsonObject, definitions: Definitions) -> Iterator[Node]:
    name = str(resource.get("resourceType"))
    yield Node(path=path, element=definitions.element(name), kind=name, value=resource)
    yield from _below(path, name, resource, definitions)


def _below(path: str, base: str, value: JsonObject, definitions: Definitions) -> Iterator[Node]:
    for name, content in value.items():
        found = definitions.child(base, name.removeprefix("_"))
        if found is None:
            continue
        element, kind = found
        for at, each in _repeated(f"{path}.{name.removeprefix('_')}", content):
            if name.startswith("_"):
                yield from _below(at, "Element", each, definitions) if isinstance(each, dict) else ()
                continue
            yield Node(path=at, element=element, kind=kind, value=each)
            if isinstance(each, dict) and kind != "Resource":
                yield from _below(at, _base(element, kind), each, definitions)


def _base(element: Element, kind: str) -> str:
    if element.content:
        return element.content
    return element.path if kind in _INLINE else kind


def _repeated(path: str, content: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(content, list):
        for index, each in enumerate(content):
            yield f"{path}[{index}]", each
    else:
        yield path, content
