"""What a site can learn of its own first ratings: how much people differ, and how exactly a score measures here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhir_alliance.instruments.precision import FIRST_RATINGS_NEEDED
from fhir_alliance.trajectory.early import EARLY_VISITS


@dataclass(frozen=True, kw_only=True)
class First:
    """One person's first ratings, oldest first, and what each item counted in the first; empty where one has none."""

    ratings: tuple[Decimal, ...]
    items: tuple[Decimal, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Of first ratings that were answered in full: how many, their standard deviation, and Cronbach's alpha."""

    people: int
    sd: Decimal
    alpha: Decimal


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Of the first four ratings: the mean of people's means, and the standard deviations between and within people."""

    people: int
    mean: Decimal
    between: Decimal
    within: Decimal


def spread_of(people: Iterable[First]) -> Spread | None:
    """Return the spread of first ratings; None for fewer than 100 people, or where nothing can be learned of them.

    alpha = k / (k - 1) * (1 - sum of the items' variances / variance of their sum) (Cronbach 1951), which needs two
    items and people who differ; one under 0 says that the items do not belong together.
    """
    full = [each for each in people if each.items and each.ratings]
    if len(full) < FIRST_RATINGS_NEEDED:
        return None
    columns = list(zip(*(each.items for each in full), strict=True))
    of_sum = _variance([sum(each.items, Decimal(0)) for each in full])
    if len(columns) < 2 or not of_sum:
        return None
    k = Decimal(len(columns))
    alpha = k / (k - 1) * (1 - sum(map(_variance, columns), Decimal(0)) / of_sum)
    sd = _variance([each.ratings[0] for each in full]).sqrt()
    return Spread(people=len(full), sd=sd, alpha=alpha) if alpha >= 0 else None


def levels_of(people: Iterable[First]) -> Levels | None:
    """Return the levels of people with two of the first four ratings; None for fewer than 100, or where all are alike.

    One-way random effects: within^2 is the pooled variance about people's own means, between^2 the variance of these
    means less what within^2 gives it, within^2 * mean(1 / n). Assumes that people vary alike from visit to visit.
    """
    early = [each.ratings[:EARLY_VISITS] for each in people if len(each.ratings) >= 2]
    if len(early) < FIRST_RATINGS_NEEDED:
        return None
    means = [_mean(ratings) for ratings in early]
    squares = sum((_squares(ratings) for ratings in early), Decimal(0))
    within = squares / sum(len(ratings) - 1 for ratings in early)
    between = _variance(means) - within * sum(1 / Decimal(len(ratings)) for ratings in early) / len(early)
    if between <= 0:
        return None
    return Levels(people=len(early), mean=_mean(means), between=between.sqrt(), within=within.sqrt())


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def _squares(values: Sequence[Decimal]) -> Decimal:
    mean = _mean(values)
    return sum(((value - mean) ** 2 for value in values), Decimal(0))


def _variance(values: Sequence[Decimal]) -> Decimal:
    return _squares(values) / (len(values) - 1)
