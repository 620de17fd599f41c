"""The early alliance: what the first four visits say, and how dependable that is."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

EARLY_VISITS: Final = 4
_LEAST: Final = 2
_SETTLED: Final = 3


@dataclass(frozen=True, kw_only=True)
class EarlyAlliance:
    """The mean of the ratings of visits 1 to 4, and how many of them there are."""

    mean: Decimal
    ratings: int
    is_estimate: bool


def early_alliance(ratings: Iterable[tuple[int, Decimal]]) -> EarlyAlliance | None:
    """Return the early alliance of (visit number, score) pairs; None for fewer than two of visits 1 to 4.

    It is an early estimate until the third visit is rated. Averages of two visits reach a dependability of .80, of
    four .90 (Crits-Christoph 2011), which is why one visit says nothing.
    """
    early = {number: value for number, value in ratings if 1 <= number <= EARLY_VISITS}
    if len(early) < _LEAST:
        return None
    return EarlyAlliance(
        mean=sum(early.values(), Decimal(0)) / len(early),
        ratings=len(early),
        is_estimate=max(early) < _SETTLED,
    )


def dependability(of_one: Decimal, ratings: int) -> Decimal:
    """Return the reliability of a mean of ratings from that of one, k * r / (1 + (k - 1) * r) (Spearman, Brown)."""
    return ratings * of_one / (1 + (ratings - 1) * of_one)
