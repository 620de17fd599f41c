"""A scale as FHIRPath, so that any SDC form filler computes the score that we compute."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby

from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.scale import Scale


def score_expression(scale: Scale, items: Mapping[str, Item]) -> str:
    """Return the `calculatedExpression` of a scale; it is empty when too few items were answered.

    Items are named in one pattern: joining answers with `|` would drop equal ones, and a chain of `or` is twenty times
    slower in engines that interpret it. The result is not rounded.
    An option counts its weight (already reversed where the item is), a visual analogue line the number itself.
    """
    value = "answer.value" if items[scale.items[0]].span else "answer.value.weight()"
    asked = f"%resource.repeat(item).where({_named(scale.items)})"
    answered = f"{asked}.{value}.count()"
    # `+ 0` turns values read from JSON into numbers that `sum()` takes in every engine.
    total, count = f"{asked}.{value}.select($this + 0).sum()", answered
    if scale.weighted:
        share = _share(scale)
        total = f"{asked}.select(({value} + 0) * {share}).sum()"
        count = f"{asked}.where({value}.exists()).select({share}).sum()"
    times = "" if scale.factor == 1 and scale.method == "mean" else f" * {_plain(scale.factor)}"
    return f"iif({answered} >= {scale.min_answered}, ({total}{times} / {count}), {{}})"


def _share(scale: Scale) -> str:
    """Return how much the item at hand counts, the most common share last, as it needs no pattern."""

    def share_of(item: str) -> int:
        return scale.shares[item]

    alike = [(share, tuple(group)) for share, group in groupby(sorted(scale.items, key=share_of), key=share_of)]
    *named, (last, _) = sorted(alike, key=lambda each: len(each[1]))
    choice = str(last)
    for share, group in named:
        choice = f"iif({_named(group)}, {share}, {choice})"
    return choice


def _named(items: Sequence[str]) -> str:
    return f"linkId.matches('^({'|'.join(items)})$')"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
