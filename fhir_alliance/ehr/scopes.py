"""SMART scopes, old and new grammar: what a granted set of them allows."""

import re
from collections.abc import Iterable
from typing import Literal

Interaction = Literal["c", "r", "u", "d", "s"]
Level = Literal["patient", "user", "system"]

_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)(\?.+)?")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}


def allows(granted: Iterable[str], resource_type: str, interaction: Interaction, level: Level) -> bool:
    """Whether any granted scope allows an interaction ("c", "r", "u", "d" or "s") on a resource type at a level.

    SMART App Launch 2.2: v2 letters in the order "cruds", v1 `.read`, `.write` and `.*`; write does not imply read.
    A scope narrowed by `?param=value` counts: what it leaves out is only known to the EHR.
    """
    return any(
        match[1] == level and match[2] in ("*", resource_type) and interaction in _V1.get(match[3], match[3])
        for match in map(_SCOPE.fullmatch, granted)
        if match
    )
