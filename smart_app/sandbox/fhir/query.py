"""A FHIR search request read into its parts: filters, order, page, what to bring along, and what is not offered."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from smart_app.sandbox.fhir.includes import Include, read_include
from smart_app.sandbox.fhir.outcomes import Malformed
from smart_app.sandbox.fhir.parameters import TYPES

Params = Sequence[tuple[str, str]]
"""Search parameters as sent: names and undecoded values; a repeated name means AND."""

PAGE_SIZE = 100
LARGEST_PAGE = 500

_PAGE = re.compile(r"(\d{1,15})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Query:
    """One search; `used` are the parameters that took effect, `ignored` the names of those that did not."""

    resource_type: str
    filters: tuple[tuple[str, str], ...]
    sort: tuple[tuple[str, bool], ...]
    count: int
    snapshot: int | None
    offset: int
    includes: tuple[Include, ...]
    used: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]


def read_query(resource_type: str, params: Params) -> Query:
    """Read the parameters of a search on one type; raise Malformed for a value that cannot be understood."""
    known = TYPES[resource_type]
    for name, value in params:
        _check_usable(name, value)
    brought = {pair: include for pair in params if (include := _include(resource_type, *pair))}
    used = tuple(pair for pair in params if pair[0] in known or pair in brought or _controls(*pair))
    control = dict(pair for pair in used if pair[0] not in known)
    snapshot, offset = _page(control.get("_page"))
    return Query(
        resource_type=resource_type,
        filters=tuple(pair for pair in used if pair[0] in known),
        sort=tuple(_order(resource_type, key) for key in control.get("_sort", "").split(",") if key),
        count=0 if control.get("_summary") == "count" else _count(control.get("_count")),
        snapshot=snapshot,
        offset=offset,
        includes=tuple(brought.values()),
        used=tuple(pair for pair in used if pair[0] != "_page"),
        ignored=tuple(pair[0] for pair in params if pair not in used),
    )


def _check_usable(name: str, value: str) -> None:
    if not value:
        raise Malformed(f"the search parameter {name} has no value")
    if ":" in name or "." in name:
        raise Malformed(f"modifiers and chains are not offered: {name}")


def _controls(name: str, value: str) -> bool:
    return name in ("_count", "_sort", "_page") or (name == "_summary" and value in ("count", "false"))


def _include(resource_type: str, name: str, value: str) -> Include | None:
    return read_include(resource_type, name, value) if name in ("_include", "_revinclude") else None


def _count(text: str | None) -> int:
    if text is None:
        return PAGE_SIZE
    if not (text.isascii() and text.isdigit()):
        raise Malformed("_count must be a whole number")
    return min(int(text[:9]), LARGEST_PAGE)


def _order(resource_type: str, key: str) -> tuple[str, bool]:
    name = key.removeprefix("-")
    if name not in TYPES[resource_type]:
        raise Malformed(f"{resource_type} cannot be sorted by {name}")
    return name, key.startswith("-")


def _page(text: str | None) -> tuple[int | None, int]:
    if text is None:
        return None, 0
    found = _PAGE.fullmatch(text)
    if not found:
        raise Malformed("follow the next link as it was given")
    return int(found[1]), int(found[2])
