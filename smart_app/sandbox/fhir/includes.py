"""The grammar of _include and _revinclude: which references of which types a search may follow."""

import re
from dataclasses import dataclass

from smart_app.sandbox.fhir.parameters import TYPES

_INCLUDE = re.compile(r"(?P<source>[A-Za-z]+):(?P<parameter>[A-Za-z-]+)(?::(?P<target>[A-Za-z]+))?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Include:
    """References to follow: of which type, by which search parameter, to which types; `reverse` against their sense."""

    source: str
    parameter: str
    targets: tuple[str, ...]
    reverse: bool


def includes_of(resource_type: str) -> list[str]:
    """Return what a search on a type offers for _include, such as "Observation:encounter"."""
    return [f"{resource_type}:{name}" for name, known in TYPES[resource_type].items() if known.kind == "reference"]


def revincludes_of(resource_type: str) -> list[str]:
    """Return what a search on a type offers for _revinclude, such as "Observation:encounter" for Encounter."""
    return [
        f"{source}:{name}"
        for source, parameters in TYPES.items()
        for name, known in parameters.items()
        if known.points_to(resource_type)
    ]


def read_include(resource_type: str, name: str, value: str) -> Include | None:
    """Read an `_include` or `_revinclude` (the name) of a search on a type; None when its value is not offered."""
    reverse = name == "_revinclude"
    offered = revincludes_of(resource_type) if reverse else includes_of(resource_type)
    found = _INCLUDE.fullmatch(value)
    if not found or f"{found['source']}:{found['parameter']}" not in offered:
        return None
    parameter = TYPES[found["source"]][found["parameter"]]
    wanted = resource_type if reverse else found["target"]
    targets = tuple(kind for kind in TYPES if parameter.points_to(kind) and wanted in (None, kind))
    if not targets or (reverse and found["target"] not in (None, resource_type)):
        return None
    return Include(source=found["source"], parameter=found["parameter"], targets=targets, reverse=reverse)
