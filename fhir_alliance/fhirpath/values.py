"""What values are: numbers within bounds, types, equality, and the steps from a node to its elements."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException

from fhir_alliance.fhirpath.syntax import Value, Values

# Wide enough for any score, and too narrow for numbers that grow without end.
NUMBERS = Context(prec=28, rounding=ROUND_HALF_UP, Emax=15, Emin=-40)
MAX_TEXT = 4096

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"


class NotComputable(ValueError):
    """The expression has no value for these answers; the message says why, without any answer in it."""


def number(value: Value) -> Decimal | int:
    """Return a value that has to be a number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise NotComputable("a number is needed")
    return value


def exact(value: Decimal | int) -> Decimal:
    """Return a number as a Decimal within bounds."""
    try:
        return NUMBERS.create_decimal(value)
    except DecimalException:
        raise NotComputable("a number is too large") from None


def text(value: Value) -> str:
    """Return a value that has to be a text."""
    if not isinstance(value, str):
        raise NotComputable("a text is needed")
    return value


def bounded(value: str) -> str:
    """Return a text that may not grow without end."""
    if len(value) > MAX_TEXT:
        raise NotComputable("a text is too long")
    return value


def one(values: Values) -> Value:
    """Return the only value there may be; call it only where there is one."""
    if len(values) > 1:
        raise NotComputable("a single value is needed")
    return values[0]


def truth(values: Values) -> bool | None:
    """Return what a collection means as a condition: None when it is empty, true for any single value that is not."""
    if not values:
        return None
    value = one(values)
    return value if isinstance(value, bool) else True


def same(left: Value, right: Value) -> bool:
    """Return whether two values are equal; true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def has_type(value: Value, name: str) -> bool:
    """Return whether a value is of one of the types that answers have."""
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, dict):
        return name == "Coding" and not value.keys().isdisjoint(("system", "code", "display"))
    return isinstance(value, {"integer": int, "decimal": Decimal, "string": str}.get(name, ()))


def members(node: Value, name: str) -> Values:
    """Return the elements of a name; `value` finds an element such as `valueCoding`, as FHIRPath has it."""
    if not isinstance(node, dict):
        return []
    found = node.get(name)
    if found is None and name == "value":
        found = next((node[key] for key in node if key.startswith("value") and key[5:6].isupper()), None)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def children(node: Value) -> Iterator[Value]:
    """Yield all elements of a node."""
    if isinstance(node, dict):
        for value in node.values():
            yield from value if isinstance(value, list) else [value]


def extensions(node: Value, url: Value) -> Values:
    """Return the extensions of a node with a url."""
    return [each for each in members(node, "extension") if isinstance(each, dict) and each.get("url") == url]


def weights(node: Value) -> Iterator[Value]:
    """Yield the score that an option carries, on itself or in its Coding (SDC's weight(), formerly ordinal())."""
    for place in (node, *members(node, "valueCoding")):
        for url in (WEIGHT, ORDINAL):
            if found := extensions(place, url):
                yield from members(found[0], "value")
                return
