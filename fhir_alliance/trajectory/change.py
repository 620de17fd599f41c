"""Reliable change: whether two scores differ by more than the error of the instrument."""

from dataclasses import dataclass
from decimal import Decimal

from fhir_alliance.instruments.precision import Z95, Precision


@dataclass(frozen=True, kw_only=True)
class Change:
    """The difference of two scores, later minus earlier, with what it was compared with."""

    difference: Decimal
    threshold: Decimal
    inclusive: bool
    index: Decimal | None

    @property
    def is_reliable(self) -> bool:
        """Whether the change is larger than error; at the threshold only where its source says "at least"."""
        size = abs(self.difference)
        return size >= self.threshold if self.inclusive else size > self.threshold


def reliable_change(earlier: Decimal, later: Decimal, precision: Precision) -> Change:
    """Return the change between two scores of one person on one scale (Jacobson and Truax 1991).

    `index` is the reliable change index (x2 - x1) / S_diff. Assumes errors that are normal, alike over the scale and
    independent. For alliance there is no group without one, so there is no clinical cut-off beside it.
    """
    difference = later - earlier
    error = precision.standard_error_of_difference
    return Change(
        difference=difference,
        threshold=precision.reliable_difference,
        inclusive=False,
        index=difference / error if error else None,
    )


def published_change(earlier: Decimal, later: Decimal, at_least: Decimal) -> Change:
    """Return the change compared with a published threshold that is said as "at least", such as 6 of PHQ-9."""
    return Change(difference=later - earlier, threshold=at_least, inclusive=True, index=None)


def clinical_cutoff(lower: tuple[Decimal, Decimal], upper: tuple[Decimal, Decimal]) -> Decimal:
    """Return the point between two groups, each (mean, SD), that is as many SDs from either (criterion c).

    For outcome measures only: it needs a group that is well and one that is not.
    """
    (low, low_sd), (high, high_sd) = lower, upper
    return (high * low_sd + low * high_sd) / (low_sd + high_sd)


def expected_again(first: Decimal, *, mean: Decimal, sd: Decimal, reliability: Decimal) -> tuple[Decimal, Decimal]:
    """Return the range in which 95 % of second scores lie when nothing has changed, drawn towards the mean.

    M + r * (x1 - M), plus and minus 1.96 * SD * sqrt(1 - r^2): the regression-based alternative.
    """
    centre = mean + reliability * (first - mean)
    half = Z95 * sd * (1 - reliability**2).sqrt()
    return centre - half, centre + half
