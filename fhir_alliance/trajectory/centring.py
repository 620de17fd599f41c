"""What of a rating is the person and what is the visit: centring without looking ahead, and few ratings."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal


def within_so_far(values: Iterable[Decimal]) -> Iterator[Decimal | None]:
    """Yield for each rating how far it lies from the mean of the person's earlier ones; None for the first.

    x_t - mean(x_1 .. x_(t-1)). A mean that holds later visits would let the future leak into what is said now.
    """
    total, count = Decimal(0), 0
    for value in values:
        yield value - total / count if count else None
        total, count = total + value, count + 1


def within_person(values: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return each rating minus the person's mean of all; for looking back over a whole course only (reference 5.5)."""
    mean = _mean(values)
    return tuple(value - mean for value in values)


def between_persons(courses: Sequence[Sequence[Decimal]]) -> tuple[Decimal, ...]:
    """Return each person's mean minus the mean of the persons' means, each person counted once (reference 5.5)."""
    means = [_mean(values) for values in courses]
    grand = _mean(means)
    return tuple(mean - grand for mean in means)


def shrunken_mean(
    mean: Decimal, ratings: int, *, of_all: Decimal, between_variance: Decimal, within_variance: Decimal
) -> tuple[Decimal, Decimal]:
    """Return (estimate, weight): a person's mean of few ratings drawn towards the mean of all.

    mu + W * (x - mu), W = tau^2 / (tau^2 + sigma^2 / n): the empirical Bayes estimate of a random intercept, which
    assumes normal levels and errors. With no rating the weight is 0 and the estimate the mean of all.
    """
    if ratings == 0:
        return of_all, Decimal(0)
    weight = between_variance / (between_variance + within_variance / ratings)
    return of_all + weight * (mean - of_all), weight


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)
