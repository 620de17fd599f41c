"""Slow change that no single rating shows: a weighted mean of all ratings, and runs on one side."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from math import comb, log2
from typing import Final, NamedTuple

from fhir_alliance.trajectory.control import Baseline

WEIGHT: Final = Decimal("0.3")
WIDTH: Final = Decimal("2.7")


class WeightedMean(NamedTuple):
    """The exponentially weighted mean (EWMA) of all ratings, the baseline's own first; `after` takes constant time.

    z_t = w * x_t + (1 - w) * z_(t-1), z_0 = centre; lower limit centre - width * sigma * sqrt(w / (2 - w) *
    (1 - (1 - w)^(2t))) (Roberts 1959; weight .3 and width 2.7 of reference 5.3). Assumes independent ratings; with
    ratings that follow each other it signals too often, which is why reasons take a width set by simulation.
    """

    base: Baseline
    weight: Decimal = WEIGHT
    mean: Decimal | None = None
    decay: Decimal = Decimal(1)

    @classmethod
    def over(cls, base: Baseline, first: Iterable[Decimal]) -> "WeightedMean":
        """Return the mean of the ratings that the baseline was made of."""
        mean = cls(base=base)
        for value in first:
            mean = mean.after(value)
        return mean

    def after(self, value: Decimal) -> "WeightedMean":
        """Return the mean with one more rating."""
        earlier = self.base.centre if self.mean is None else self.mean
        kept = 1 - self.weight
        return self._replace(mean=self.weight * value + kept * earlier, decay=self.decay * kept**2)

    def limit(self, width: Decimal = WIDTH) -> Decimal:
        """Return the lower limit for the mean as it is now, `width` of its own standard errors under the centre."""
        share = self.weight / (2 - self.weight) * (1 - self.decay)
        return self.base.centre - width * self.base.sigma * share.sqrt()

    def is_low(self, width: Decimal = WIDTH) -> bool:
        """Whether the mean lies under its limit."""
        return self.mean is not None and self.mean < self.limit(width)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """How long ratings have stayed on one side of a centre; `after` takes constant time.

    Anhøj's rules (as in qicharts2): a shift when the longest run is longer than round(log2 n) + 3, or when the line
    crosses the centre less often than the 5 % quantile of a binomial(n - 1, .5); ratings on the centre do not count.
    The published centre is the median of all ratings; one that is frozen at the baseline never changes what was said.
    """

    centre: Decimal
    count: int = 0
    crossings: int = 0
    run: int = 0
    longest: int = 0
    above: bool | None = None

    def after(self, value: Decimal) -> "Runs":
        """Return the runs with one more rating."""
        if value == self.centre:
            return self
        above = value > self.centre
        run = self.run + 1 if above is self.above else 1
        return replace(
            self,
            count=self.count + 1,
            crossings=self.crossings + (self.above is not None and above is not self.above),
            run=run,
            longest=max(self.longest, run),
            above=above,
        )

    @property
    def has_shifted(self) -> bool:
        """Whether the ratings do not vary around the centre by chance alone."""
        if self.count < 2:
            return False
        longest, fewest = run_limits(self.count)
        return self.longest > longest or self.crossings < fewest


@cache
def run_limits(count: int) -> tuple[int, int]:
    """Return the longest run and the fewest crossings that chance explains, for `count` ratings off the centre."""
    steps, passed, fewest = count - 1, 0, 0
    while True:
        passed += comb(steps, fewest)
        if 20 * passed >= 2**steps:
            return round(log2(count)) + 3, fewest
        fewest += 1
