"""What an expression is made of once it is read, and which functions it may call."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

# A number, a text, a yes or no, or a node of the JSON that is looked at.
Value = Decimal | int | str | bool | dict[str, Any]
Values = list[Value]


class Takes(NamedTuple):
    """How many arguments a function takes; `each`: its argument is evaluated for each value it is called on."""

    least: int
    most: int
    each: bool = False


# Nothing here reaches outside the values it is given: no `trace`, `resolve`, `memberOf`, `conformsTo`, no clock.
FUNCTIONS: Mapping[str, Takes] = {
    **dict.fromkeys(("where", "select", "all", "repeat"), Takes(1, 1, each=True)),
    "exists": Takes(0, 1, each=True),
    "aggregate": Takes(1, 2, each=True),
    "iif": Takes(2, 3),
    **dict.fromkeys(("empty", "not", "hasValue", "count", "distinct", "isDistinct"), Takes(0, 0)),
    **dict.fromkeys(("allTrue", "anyTrue", "allFalse", "anyFalse"), Takes(0, 0)),
    **dict.fromkeys(("first", "last", "single", "tail", "children", "descendants"), Takes(0, 0)),
    **dict.fromkeys(("take", "skip", "union", "combine", "intersect", "exclude"), Takes(1, 1)),
    **dict.fromkeys(("sum", "min", "max", "avg"), Takes(0, 0)),
    **dict.fromkeys(("abs", "ceiling", "floor", "truncate", "sqrt"), Takes(0, 0)),
    "power": Takes(1, 1),
    "round": Takes(0, 1),
    **dict.fromkeys(("toInteger", "toDecimal", "toString", "length", "upper", "lower", "trim"), Takes(0, 0)),
    **dict.fromkeys(("startsWith", "endsWith", "contains", "matches", "extension"), Takes(1, 1)),
    **dict.fromkeys(("weight", "ordinal"), Takes(0, 0)),
}
# Their argument is a type, which is written as a name.
TYPE_TESTS = ("is", "as", "ofType")
TYPES = ("boolean", "integer", "decimal", "string", "Coding")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out; `{}` is none."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`%name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Special:
    """`$this`, `$index` or `$total`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A step to the elements of a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function called on what the path has found so far."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`is`, `as` or `ofType` with the name of a type."""

    function: str
    type: str


@dataclass(frozen=True, slots=True)
class At:
    """A step to the value at a position, counted from 0."""

    position: "Node"


@dataclass(frozen=True, slots=True)
class Path:
    """Steps, each taken from what the one before it has found."""

    steps: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A plus or a minus before a number."""

    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined from left to right by operators of one precedence; kept flat, so that long sums nest nothing."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


Node = Literal | Variable | Special | Member | Call | TypeTest | At | Path | Sign | Chain


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read and checked."""

    text: str
    root: Node
    variables: frozenset[str]
