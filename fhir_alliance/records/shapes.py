"""Our own bundles have few shapes: the models look at each once, for that costs more than all the rest of accepting."""

import re
from collections.abc import Hashable
from functools import lru_cache
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
# Elements whose texts come out of definitions: the same ones come again and again, and none of them is a person's.
_DEFINED: Final = frozenset({"system", "code", "display", "text", "linkId", "url", "unit"})
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


def _shape_of(entry: JsonObject) -> Hashable:
    shape: list[Hashable] = []
    _add_shape(shape, "", entry)
    return tuple(shape)


def _add_shape(shape: list[Hashable], name: str, value: Any) -> None:
    """Add what tells the shape of an element's value: of an object first its elements, of a list how many there are."""
    if isinstance(value, str):
        shape.append(_known_kind(value) if name in _DEFINED else _kind(value))
    elif isinstance(value, dict):
        shape += (value.get("resourceType"), tuple(value))
        for element, each in value.items():
            _add_shape(shape, element, each)
    elif isinstance(value, list):
        shape += (list, len(value))
        for each in value:
            _add_shape(shape, name, each)
    else:
        shape.append(type(value).__name__)


def _kind(text: str) -> str | None:
    found = _KINDS.match(text)
    return found.lastgroup if found else None


_known_kind: Final = lru_cache(maxsize=_MOST)(_kind)
