"""Our own bundles have few shapes: the models look at each once, for that costs more than all the rest of accepting."""

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

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
# Elements of which all that is in them is like that: they are most of a bundle, and walked through once each.
_CODED: Final = frozenset({"meta", "category", "code", "method", "component", "valueCoding", "extension", "type"})
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
    _add_shape(shape, entry)
    return tuple(shape)


def _add_shape(shape: list[Hashable], value: Mapping[Any, Any]) -> None:
    """Add what tells the shape of an object: its elements, then what each is; of a list how many there are, too."""
    shape += (value.get("resourceType"), tuple(value))
    for name, each in value.items():
        if isinstance(each, str):
            shape.append(_known_kind(each) if name in _DEFINED else _kind(each))
        elif name in _CODED:
            shape.append(_coded_shape(orjson.dumps(each)))
        elif isinstance(each, dict):
            _add_shape(shape, each)
        elif isinstance(each, list):
            _add_parts(shape, each)
        else:
            shape.append(type(each).__name__)


def _add_parts(shape: list[Hashable], parts: list[Any]) -> None:
    shape += (list, len(parts))
    for each in parts:
        # What is no object has no name of its own, and is not taken for an object that has one.
        _add_shape(shape, each if isinstance(each, dict) else {None: each})


@lru_cache(maxsize=_MOST)
def _coded_shape(coded: bytes) -> str:
    """Return the shape of what comes out of definitions, as a text: of all values that has the quickest hash."""
    shape: list[Hashable] = []
    _add_parts(shape, [orjson.loads(coded)])
    return repr(shape)


def _kind(text: str) -> str | None:
    found = _KINDS.match(text)
    return found.lastgroup if found else None


_known_kind: Final = lru_cache(maxsize=_MOST)(_kind)
