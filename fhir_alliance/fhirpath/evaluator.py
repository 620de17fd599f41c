"""An expression's value over JSON, within a number of steps that no expression can exceed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fhir_alliance.fhirpath.functions import FUNCTIONS
from fhir_alliance.fhirpath.operators import OPERATORS
from fhir_alliance.fhirpath.syntax import (
    At,
    Call,
    Chain,
    Literal,
    Member,
    Node,
    Path,
    Sign,
    Special,
    TypeTest,
    Value,
    Values,
    Variable,
)
from fhir_alliance.fhirpath.values import NotComputable, children, has_type, members, number, one, truth

# Steps, not seconds: the same answers have the same score on any machine. What a step costs is bounded, and a form of
# sixty questions takes a few thousand.
MAX_STEPS = 100_000

# Comparing every value with every other costs that many steps.
_QUADRATIC = frozenset(("distinct", "isDistinct", "union", "intersect", "exclude", "|", "in", "contains"))
# What a match costs grows with its text and with its pattern.
_CHARACTERS_A_STEP = 64
_DECIDED: Mapping[str, bool] = {"and": False, "or": True}


class OutOfSteps(NotComputable):
    """The steps are used up: nothing more can be evaluated with them."""


@dataclass(slots=True)
class Steps:
    """How many steps are left, for everything that is evaluated with them."""

    left: int = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Take steps; OutOfSteps when there are not enough left."""
        self.left -= steps
        if self.left < 0:
            raise OutOfSteps("it takes too many steps")


@dataclass(frozen=True, slots=True)
class _Scope:
    """What `$this`, `$index` and `$total` are."""

    this: Values = field(default_factory=list)
    index: Values = field(default_factory=list)
    total: Values = field(default_factory=list)


class Evaluator:
    """Evaluates expressions whose `%variables` are looked up by a function."""

    def __init__(self, variable: Callable[[str], Values], steps: Steps) -> None:
        self._variable = variable
        self._steps = steps
        self._nodes: Mapping[type[Any], Callable[[Any, Values, _Scope], Values]] = {
            Literal: lambda node, focus, scope: list(node.values),
            Variable: lambda node, focus, scope: self._variable(node.name),
            Special: lambda node, focus, scope: getattr(scope, node.name),
            Member: lambda node, focus, scope: [child for value in focus for child in members(value, node.name)],
            Path: self._path,
            Call: self._call,
            At: self._at,
            TypeTest: self._type_test,
            Sign: self._sign,
            Chain: self._chain,
        }
        self._macros: Mapping[str, Callable[[Values, tuple[Node, ...], _Scope], Values]] = {
            "where": self._where,
            "select": self._select,
            "repeat": self._repeat,
            "exists": self._exists,
            "all": self._all,
            "aggregate": self._aggregate,
            "iif": self._iif,
            "descendants": self._descendants,
        }

    def evaluate(self, node: Node) -> Values:
        """Return the collection that an expression's tree stands for.

        Raises NotComputable when it has none, and its sub-class OutOfSteps when the steps are used up.
        """
        return self._evaluate(node, [], _Scope())

    def _evaluate(self, node: Node, focus: Values, scope: _Scope) -> Values:
        self._steps.spend(1 + len(focus))
        found = self._nodes[type(node)](node, focus, scope)
        self._steps.spend(len(found))
        return found

    def _path(self, node: Path, focus: Values, scope: _Scope) -> Values:
        first, *steps = node.steps
        found = self._evaluate(first, focus, scope)
        for step in steps:
            found = self._evaluate(step, found, scope)
        return found

    def _call(self, node: Call, focus: Values, scope: _Scope) -> Values:
        if node.function in self._macros:
            return self._macros[node.function](focus, node.arguments, scope)
        arguments = [self._evaluate(argument, scope.this, scope) for argument in node.arguments]
        self._pay(node.function, focus, *arguments)
        return FUNCTIONS[node.function](focus, *arguments)

    def _at(self, node: At, focus: Values, scope: _Scope) -> Values:
        found = self._evaluate(node.position, scope.this, scope)
        position = number(one(found)) if found else -1
        return [value for index, value in enumerate(focus) if index == position]

    def _type_test(self, node: TypeTest, focus: Values, scope: _Scope) -> Values:
        if node.function == "ofType":
            return [value for value in focus if has_type(value, node.type)]
        if not focus:
            return []
        value = one(focus)
        return [has_type(value, node.type)] if node.function == "is" else [value] * has_type(value, node.type)

    def _sign(self, node: Sign, focus: Values, scope: _Scope) -> Values:
        found = self._evaluate(node.operand, focus, scope)
        return OPERATORS[node.operator]([0], found)

    def _chain(self, node: Chain, focus: Values, scope: _Scope) -> Values:
        found = self._evaluate(node.first, focus, scope)
        for operator, operand in node.rest:
            if operator in _DECIDED and truth(found) is _DECIDED[operator]:
                continue
            other = self._evaluate(operand, focus, scope)
            self._pay(operator, found, other)
            found = OPERATORS[operator](found, other)
        return found

    def _pay(self, function: str, *collections: Values) -> None:
        size = sum(map(len, collections))
        self._steps.spend(size * size if function in _QUADRATIC else size)
        if function == "matches" and all(collections):
            searched, pattern = (str(values[0]) for values in collections)
            self._steps.spend(len(searched) * len(pattern) // _CHARACTERS_A_STEP)

    def _for(self, value: Value, index: int, node: Node, scope: _Scope) -> Values:
        return self._evaluate(node, [value], replace(scope, this=[value], index=[index]))

    def _where(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        [criteria] = arguments
        return [value for index, value in enumerate(focus) if truth(self._for(value, index, criteria, scope))]

    def _select(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        [projection] = arguments
        return [found for index, value in enumerate(focus) for found in self._for(value, index, projection, scope)]

    def _exists(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        return [bool(self._where(focus, arguments, scope) if arguments else focus)]

    def _all(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        return [len(self._where(focus, arguments, scope)) == len(focus)]

    def _repeat(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        """Collect what the projection finds, and what it finds in that; a value found before is not looked at again."""
        found: Values = []
        seen: set[object] = set()
        while focus:
            focus = [each for each in self._select(focus, arguments, scope) if not _known(each, seen)]
            found += focus
        return found

    def _descendants(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        found: Values = []
        while focus:
            focus = [child for value in focus for child in children(value)]
            self._steps.spend(len(focus))
            found += focus
        return found

    def _aggregate(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        step, *start = arguments
        total = self._evaluate(start[0], scope.this, scope) if start else []
        for index, value in enumerate(focus):
            total = self._for(value, index, step, replace(scope, total=total))
        return total

    def _iif(self, focus: Values, arguments: tuple[Node, ...], scope: _Scope) -> Values:
        condition, then, *otherwise = arguments
        inner = replace(scope, this=focus)
        branch = [then] if truth(self._evaluate(condition, focus, inner)) else otherwise
        return self._evaluate(branch[0], focus, inner) if branch else []


def _known(value: Value, seen: set[object]) -> bool:
    """Return whether a value is in the set, and put it there; nodes are known by where they are."""
    key = id(value) if isinstance(value, dict) else (type(value), value)
    known = key in seen
    seen.add(key)
    return known
