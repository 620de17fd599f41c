"""Sentences that can be said in other languages: English as they are, with what it takes to say them otherwise."""

from collections.abc import Iterable, Mapping
from typing import Self


def marked(words: str) -> str:
    """Return words as they are, to be said elsewhere; whoever gathers what is to be translated finds them here."""
    return words


class Sentence(str):
    """A sentence with values in it: `pattern` has a place, %(name)s, for each of `values`, which may be such, too."""

    __slots__ = ("pattern", "values")

    pattern: str
    values: Mapping[str, object]

    def __new__(cls, pattern: str, **values: object) -> Self:
        """Fill the places of a pattern."""
        made = super().__new__(cls, pattern % values)
        made.pattern, made.values = pattern, values
        return made


class Counted(Sentence):
    """A sentence that is another one for several than for one: `many` is its pattern then.

    Both may have a place for the number, which templates call num.
    """

    __slots__ = ("many", "number", "one")

    one: str
    many: str
    number: int

    def __new__(cls, one: str, many: str, number: int, **values: object) -> Self:
        """Fill the places of the pattern that English has for this number."""
        made = super().__new__(cls, one if number == 1 else many, number=number, num=number, **values)
        made.one, made.many, made.number = one, many, number
        return made


class Series(str):
    """Some of these one after the other, with what stands between them."""

    __slots__ = ("between", "parts")

    between: str
    parts: tuple[str, ...]

    def __new__(cls, between: str, parts: Iterable[str]) -> Self:
        """Join the parts."""
        found = tuple(parts)
        made = super().__new__(cls, between.join(found))
        made.between, made.parts = between, found
        return made


class Number(str):
    """A number as English writes it, with a point: other languages write a comma."""

    __slots__ = ()
