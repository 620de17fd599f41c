"""One question: how it is asked, when it is asked at all, and what an answer counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cached_property
from operator import eq, ge, gt, le, lt, ne
from typing import Any


class Kind(StrEnum):
    """What an answer is; in a response each has a value type of its own."""

    CHOICE = "choice"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"


class Look(StrEnum):
    """How a question is asked: radio buttons, a row of a table of questions, a slider, or a field to write in."""

    BUTTONS = "buttons"
    TABLE = "table"
    SLIDER = "slider"
    FIELD = "field"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer that can be chosen; `value` is the number it counts, already reversed where the item is.

    An unscored choice has no value. The printed number is the code: reversing happens once, when a definition is read.
    `own` is the answer as a response holds it, `value[x]` and all, in a form that a site has written itself.
    """

    code: str
    value: Decimal | None
    own: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, kw_only=True)
class Span:
    """The numbers from `minimum` to `maximum` with at most `decimals` decimals."""

    minimum: Decimal
    maximum: Decimal
    decimals: int

    @property
    def step(self) -> Decimal:
        """The distance of two neighbours, e.g. 0.1."""
        return Decimal(1).scaleb(-self.decimals)

    def read(self, text: str) -> Decimal | None:
        """Return the number that a text says, None when it is none of the span."""
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        within = value.is_finite() and self.minimum <= value <= self.maximum
        return value if within and value == value.quantize(self.step) else None


@dataclass(frozen=True, kw_only=True)
class Test:
    """One comparison with the answer to an earlier question; the operators are those of FHIR's `enableWhen`."""

    __test__ = False  # no test of pytest's

    question: str
    operator: str
    value: str

    def holds(self, given: Mapping[str, str]) -> bool:
        """Whether the answers meet it; a question without an answer meets nothing but `exists` false."""
        answer = given.get(self.question)
        if self.operator == "exists":
            return (answer is not None) == (self.value == "true")
        return answer is not None and _OPERATORS[self.operator](*_alike(answer, self.value))


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Tests of which every one must hold, or any."""

    tests: tuple[Test, ...]
    every: bool = False

    def holds(self, given: Mapping[str, str]) -> bool:
        """Whether the answers meet it."""
        return (all if self.every else any)(test.holds(given) for test in self.tests)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question: options to choose from, numbers of a span, or a text of at most `longest` characters.

    It is asked only when all its conditions hold. `construct` is empty for an unscored question.
    """

    link_id: str
    section: str
    construct: str
    kind: Kind = Kind.CHOICE
    look: Look = Look.BUTTONS
    options: tuple[Option, ...] = ()
    span: Span | None = None
    longest: int = 0
    required: bool = False
    conditions: tuple[Condition, ...] = ()

    @cached_property
    def by_code(self) -> Mapping[str, Option]:
        """The options by their codes, in the order offered."""
        return {option.code: option for option in self.options}

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each option among those offered, from 0, by its code."""
        return {code: place for place, code in enumerate(self.by_code)}

    @cached_property
    def is_own(self) -> bool:
        """Whether its options are answers in a site's own words."""
        return any(option.own for option in self.options)

    @property
    def codes(self) -> frozenset[str]:
        """The codes that are an answer to this item."""
        return frozenset(self.by_code)

    def accepts(self, answer: str) -> bool:
        """Whether a text is an answer to this item."""
        if self.kind is Kind.TEXT:
            return 0 < len(answer) <= self.longest
        return self.span.read(answer) is not None if self.span else answer in self.by_code

    def is_asked(self, given: Mapping[str, str]) -> bool:
        """Whether all its conditions hold; `given` are the answers to questions that were asked themselves."""
        return all(condition.holds(given) for condition in self.conditions)

    def counts(self, answer: str) -> Decimal | None:
        """Return the number that an answer counts; None for one that has no number, or is none of this item's."""
        if self.span:
            return self.span.read(answer)
        option = self.by_code.get(answer)
        return option.value if option else None

    @cached_property
    def scored(self) -> bool:
        """Whether its answers are numbers."""
        return self.span is not None or any(option.value is not None for option in self.options)

    @property
    def least(self) -> Decimal:
        """The lowest number an answer counts."""
        return self.span.minimum if self.span else min(self._values)

    @property
    def most(self) -> Decimal:
        """The highest number an answer counts."""
        return self.span.maximum if self.span else max(self._values)

    @property
    def _values(self) -> list[Decimal]:
        return [option.value for option in self.options if option.value is not None]


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, ">": gt, "<": lt, ">=": ge, "<=": le}


def _alike(answer: str, value: str) -> tuple[Any, Any]:
    """Return both as numbers when both are, so that 10 comes after 9 and 1.0 is 1."""
    try:
        return Decimal(answer), Decimal(value)
    except InvalidOperation:
        return answer, value
