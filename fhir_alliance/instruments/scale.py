"""One score of an instrument: its items, their weights and its missing-item rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import gcd

from fhir_alliance.instruments.own import Calculation
from fhir_alliance.sentences import Counted, Number, Sentence, Series


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One score: `method` over `items`, only when at least `min_answered` of them were answered.

    Over the answered items, score = factor * sum(w * x) / sum(w): the weighted mean, for a sum times the weight of all
    items, so that fewer items are prorated by the person's own mean (reference 5.1; for weights our decision, D). With
    all weights 1 this is the plain mean, and the plain sum prorated. `multiplier` is part of the factor, so it comes
    before the one rounding. `weights` has every item; `minimum` and `maximum` are those of the score, equal where
    nobody has said them. A score of a site's own form has its `calculation` in place of method and weights.
    `more_is_better` is False where less is, and where nobody has said it.
    """

    name: str
    title: str
    method: str
    items: tuple[str, ...]
    min_answered: int
    weights: Mapping[str, Decimal]
    multiplier: Decimal
    minimum: Decimal
    maximum: Decimal
    decimals: int
    calculation: Calculation | None = None
    more_is_better: bool = False

    @property
    def has_range(self) -> bool:
        """Whether it is known between which values the score lies."""
        return self.minimum < self.maximum

    @cached_property
    def factor(self) -> Decimal:
        """What the weighted mean of the answered items is multiplied by to give the score."""
        return self.multiplier * (sum(self.weights.values()) if self.method == "sum" else 1)

    @property
    def step(self) -> Decimal:
        """The last decimal a score is rounded to."""
        return Decimal(1).scaleb(-self.decimals)

    @cached_property
    def shares(self) -> Mapping[str, int]:
        """The weights as the smallest whole numbers in the same proportion, which gives the same weighted mean."""
        places = max(_places(weight) for weight in self.weights.values())
        whole = {item: int(weight.scaleb(places)) for item, weight in self.weights.items()}
        common = gcd(*whole.values())
        return {item: weight // common for item, weight in whole.items()}

    @cached_property
    def weighted(self) -> bool:
        """Whether one item counts more than another."""
        return any(share > 1 for share in self.shares.values())

    @property
    def weighing(self) -> Series:
        """The weights and the multiplier in words, empty where every item counts once."""
        alike: dict[Decimal, list[str]] = {}
        for item, weight in self.weights.items():
            alike.setdefault(weight, []).append(item)
        said = [_weighed(items, _number(weight)) for weight, items in alike.items() if weight != 1]
        times = [Sentence("the result × %(times)s", times=_number(self.multiplier))] if self.multiplier != 1 else []
        return Series("; ", (*said, *times))

    def pomp(self, value: Decimal) -> Decimal:
        """Return a score as percent of the maximum possible, 0 to 100, not rounded (POMP; Cohen et al. 1999)."""
        return 100 * (value - self.minimum) / (self.maximum - self.minimum)


def _places(weight: Decimal) -> int:
    """Return how many decimals a weight needs."""
    return max(0, -int(weight.normalize().as_tuple().exponent))


def _weighed(items: list[str], weight: Number) -> Sentence:
    values = {"items": ", ".join(items), "weight": weight}
    return Counted("item %(items)s × %(weight)s", "items %(items)s × %(weight)s", len(items), **values)


def _number(value: Decimal) -> Number:
    return Number(f"{value.normalize():f}")
