"""Our own bundles have few shapes: the models look at each once, for that costs more than all the rest of accepting."""

import re
from collections.abc import Hashable
from typing import Any, Final

from fhir_alliance.records.checks import check_shape
from fhir_alliance.records.codes import JsonObject

# What the primitive types of FHIR R4 tell apart: a moment, a date, an id, a code or an address, and a text.
_KINDS: Final = re.compile(
    r"(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z)"
    r"|(?P<date>\d{4}(-\d\d(-\d\d)?)?\Z)"
    r"|(?P<id>[A-Za-z0-9.-]{1,64}\Z)"
    r"|(?P<word>\S+\Z)"
    r"|(?P<text>\S+( \S+)*\Z)"
)
_MOST: Final = 4096
_passed: Final[set[Hashable]] = set()


def check_own_shape(bundle: JsonObject) -> None:
    """Raise InvalidResource when a bundle that this program has built does not have the shape of FHIR R4B.

    Two resources have the same shape when they have the same elements in the same order, with values of the same kinds:
    then the models accept both or neither. Which code may stand where, and what holds between values, `check_bundle`
    checks in every bundle. What somebody else has built is for `check_shape`, each time.
    """
    shapes = {_shape_of(entry) for entry in bundle["entry"]}
    if shapes <= _passed:
        return
    check_shape(bundle)
    if len(_passed) > _MOST:
        _passed.clear()
    _passed.update(shapes)


def _shape_of(value: Any) -> Hashable:
    if isinstance(value, str):
        found = _KINDS.match(value)
        return found.lastgroup if found else None
    if isinstance(value, dict):
        elements = [(name, _shape_of(each)) for name, each in value.items()]
        return (value.get("resourceType"), *elements)
    if isinstance(value, list):
        return (list, *map(_shape_of, value))
    return type(value).__name__
