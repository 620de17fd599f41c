"""A scale as FHIRPath, so that any SDC form filler computes the score that we compute."""

from collections.abc import Callable, Mapping

from fhir_alliance.instruments.definition import Scale
from fhir_alliance.instruments.items import Item


def _mean(values: str, asked: int) -> str:
    return f"({_total(values)} / {values}.count())"


def _sum(values: str, asked: int) -> str:
    """Return the sum, prorated by the person's own mean when items are missing."""
    return f"({_total(values)} * {asked} / {values}.count())"


def _total(values: str) -> str:
    # `$this + 0` turns values read from JSON into numbers that `sum()` takes in every engine.
    return f"{values}.select($this + 0).sum()"


# How the answered values become the score.
METHODS: Mapping[str, Callable[[str, int], str]] = {"mean": _mean, "sum": _sum}


def score_expression(scale: Scale, items: Mapping[str, Item]) -> str:
    """Return the `calculatedExpression` of a scale; it is empty when too few items were answered.

    Items are named in one pattern: joining answers with `|` would drop equal ones, and a chain of `or` is twenty times
    slower in engines that interpret it. The result is not rounded.
    An option counts its weight (already reversed where the item is), a visual analogue line the number itself.
    """
    asked = f"linkId.matches('^({'|'.join(scale.items)})$')"
    weight = "" if items[scale.items[0]].span else ".weight()"
    values = f"%resource.repeat(item).where({asked}).answer.value{weight}"
    formula = METHODS[scale.method](values, len(scale.items))
    return f"iif({values}.count() >= {scale.min_answered}, {formula}, {{}})"
