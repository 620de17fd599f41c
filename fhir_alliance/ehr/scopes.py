"""SMART scopes, old and new grammar: what a granted set of them allows."""

import re
from collections.abc import Iterable
from typing import Literal

Interaction = Literal["c", "r", "u", "d", "s"]
Level = Literal["patient", "user", "system"]

_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)(\?.+)?")
_URI = "http://smarthealthit.org/fhir/scopes/"  # a server may write its scopes as addresses (S34)
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}


def allows(granted: Iterable[str], resource_type: str, interaction: Interaction, level: Level) -> bool:
    """Whether any granted scope allows an interaction ("c", "r", "u", "d" or "s") on a resource type at a level.

    SMART App Launch 2.2: v2 letters in the order "cruds", v1 `.read`, `.write` and `.*`; write does not imply read.
    A scope narrowed by `?param=value` counts: what it leaves out is only known to the EHR.
    """
    return any(
        match[1] == level and match[2] in ("*", resource_type) and interaction in _V1.get(match[3], match[3])
        for match in map(_SCOPE.fullmatch, (scope.removeprefix(_URI) for scope in granted))
        if match
    )


def as_v1(scopes: Iterable[str]) -> list[str]:
    """Return scopes for a server that knows only v1: `.read` and `.write`, which have no filters; each once."""
    found: dict[str, None] = {}
    for scope in scopes:
        match = _SCOPE.fullmatch(scope)
        letters = set(_V1.get(match[3], match[3])) if match else set()
        words = [word for word in ("read", "write") if letters & set(_V1[word])]
        found.update(dict.fromkeys([f"{match[1]}/{match[2]}.{word}" for word in words] if match else [scope]))
    return list(found)


def without_write_filters(scopes: Iterable[str]) -> list[str]:
    """Return scopes with `?param=value` taken off those that allow writing: some servers refuse these (S33)."""
    return list(dict.fromkeys(_unfiltered(scope) for scope in scopes))


def _unfiltered(scope: str) -> str:
    match = _SCOPE.fullmatch(scope)
    writes = match and set("cud") & set(_V1.get(match[3], match[3]))
    return f"{match[1]}/{match[2]}.{match[3]}" if match and writes else scope
