"""One question: its options or its span, and what an answer counts."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer that can be chosen; `value` is the number it counts, already reversed where the item is.

    An unscored choice has no value. The printed number is the code: reversing happens once, when a definition is read.
    """

    code: str
    value: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Span:
    """A visual analogue line: any number from `minimum` to `maximum` with at most `decimals` decimals."""

    minimum: Decimal
    maximum: Decimal
    decimals: int

    def read(self, text: str) -> Decimal | None:
        """Return the number that a text says, None when it is no point of the line."""
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        on_line = value.is_finite() and self.minimum <= value <= self.maximum
        return value if on_line and value == value.quantize(Decimal(1).scaleb(-self.decimals)) else None


@dataclass(frozen=True, kw_only=True)
class EnabledBy:
    """The question is asked only when `question` was answered with one of `any_of`."""

    question: str
    any_of: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question, answered by one of its options or on its span; `construct` is empty for an unscored question."""

    link_id: str
    section: str
    construct: str
    options: tuple[Option, ...] = ()
    span: Span | None = None
    enabled_by: EnabledBy | None = None

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes that are an answer to this item."""
        return frozenset(option.code for option in self.options)

    def accepts(self, answer: str) -> bool:
        """Whether a text is an answer to this item."""
        return self.span.read(answer) is not None if self.span else answer in self.codes

    @property
    def scored(self) -> bool:
        """Whether its answers are numbers."""
        return self.span is not None or self.options[0].value is not None

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
