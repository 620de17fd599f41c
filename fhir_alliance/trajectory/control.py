"""The person's own control chart: what their first ratings vary by, and whether a later one lies outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

# An individuals chart needs four ratings to say anything; the baseline is frozen at five, so that it cannot creep.
LEAST: Final = 4
MOST: Final = 5
MOVING_RANGE_TO_SIGMA: Final = Decimal("1.128")
_MOVING_RANGE_LIMIT: Final = Decimal("3.267")
# Somebody who always answers alike would signal at any slip: sigma is at least this share of the scale's range, where
# no standard error of measurement is known (reference 5.3).
_FLOOR: Final = Decimal("0.05")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Centre and spread of a person's first ratings, in units of the score."""

    centre: Decimal
    sigma: Decimal
    largest_move: Decimal

    def below(self, widths: Decimal) -> Decimal:
        """Return the limit `widths` sigmas under the centre."""
        return self.centre - widths * self.sigma

    def above(self, widths: Decimal) -> Decimal:
        """Return the limit `widths` sigmas over the centre."""
        return self.centre + widths * self.sigma


def floor_of(minimum: Decimal, maximum: Decimal) -> Decimal:
    """Return the least sigma on a scale whose standard error of measurement is not known; 0 where its ends are not."""
    return _FLOOR * (maximum - minimum)


def baseline(first: Sequence[Decimal], *, floor: Decimal) -> Baseline | None:
    """Return the baseline that the first ratings make, oldest first; None for fewer than four.

    Centre: the mean. Sigma: mean moving range / 1.128, at least `floor`. `largest_move`: 3.267 times the mean moving
    range, between two neighbouring visits (individuals chart; Shewhart; Lipner 2022 used it on alliance scores).
    Assumes visits that vary independently of each other around one level.
    """
    first = first[:MOST]
    if len(first) < LEAST:
        return None
    moves = [abs(later - earlier) for earlier, later in pairwise(first)]
    mean_move = sum(moves, Decimal(0)) / len(moves)
    return Baseline(
        centre=sum(first, Decimal(0)) / len(first),
        sigma=max(mean_move / MOVING_RANGE_TO_SIGMA, floor),
        largest_move=_MOVING_RANGE_LIMIT * mean_move,
    )


class ControlChart(NamedTuple):
    """A person's chart up to a visit; `after` adds the next rating in constant time and never looks ahead.

    A rating is compared with the ratings before it: the fifth with a baseline of four, all later ones with that of
    the first five. `against` is the baseline that the last rating was compared with, `base` the one for the next;
    `below` how many sigmas the last rating lies under the centre (negative above it), None where there is no spread;
    `moved` whether the step to it was larger than the limit of the moving ranges.
    """

    floor: Decimal
    first: tuple[Decimal, ...] = ()
    last: Decimal | None = None
    base: Baseline | None = None
    against: Baseline | None = None
    below: Decimal | None = None
    moved: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether the baseline is the one of the first five, which stays."""
        return len(self.first) == MOST

    def after(self, value: Decimal) -> "ControlChart":
        """Return the chart with one more rating."""
        grows = not self.is_settled
        first = (*self.first, value) if grows else self.first
        against = self.base
        return self._replace(
            first=first,
            last=value,
            base=baseline(first, floor=self.floor) if grows else self.base,
            against=against,
            below=(against.centre - value) / against.sigma if against and against.sigma else None,
            moved=bool(against and self.last is not None and abs(value - self.last) > against.largest_move > 0),
        )
