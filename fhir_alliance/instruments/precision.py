"""How exactly a score measures, in whom, and who says so."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

# Two-sided 5 % of a normal distribution: what sources write as 1.96, with the digits that their figures have.
Z95: Final = Decimal("1.959963984540054")
# Below this a site's own figures are no better than a guess (reference, section 3).
FIRST_RATINGS_NEEDED: Final = 100


class ReliabilityKind(StrEnum):
    """What a reliability takes for error: alpha only the noise of the items, a retest also what really moved."""

    ALPHA = "alpha"
    RETEST = "retest"


class Origin(StrEnum):
    """Where the figures come from: published for the instrument, computed from those of other people, or the site's."""

    PUBLISHED = "published"
    COMPUTED = "computed"
    SITE = "site"


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How exactly a scale measures, and in whom: no number of change is shown without this beside it.

    `sd` is the standard deviation between people in units of the score, `reliability` 0 to 1. `people` is how many
    first ratings they rest on, None where the source does not say. ValueError for a spread that is none, a reliability
    that is not from 0 to 1, and a site's figures from fewer than 100 people.
    """

    sd: Decimal
    reliability: Decimal
    kind: ReliabilityKind
    population: str
    source: str
    origin: Origin
    people: int | None = None

    def __post_init__(self) -> None:
        if self.sd <= 0 or not 0 <= self.reliability <= 1:
            raise ValueError("a standard deviation is above 0, a reliability from 0 to 1")
        if self.origin is Origin.SITE and (self.people or 0) < FIRST_RATINGS_NEEDED:
            raise ValueError(f"a site's own figures need {FIRST_RATINGS_NEEDED} first ratings")

    @property
    def is_provisional(self) -> bool:
        """Whether they were computed from figures of other people, so that they are shown with this word."""
        return self.origin is Origin.COMPUTED

    def holds_for(self, *, validated: bool) -> bool:
        """Whether they may be used: for an unvalidated instrument only the site's own."""
        return validated or self.origin is Origin.SITE

    @property
    def standard_error(self) -> Decimal:
        """Standard error of measurement, SD * sqrt(1 - r), in units of the score."""
        return self.sd * (1 - self.reliability).sqrt()

    @property
    def standard_error_of_difference(self) -> Decimal:
        """Standard error of the difference of two scores, sqrt(2) * SEM."""
        return Decimal(2).sqrt() * self.standard_error

    @property
    def reliable_difference(self) -> Decimal:
        """What a change must exceed, 1.96 * S_diff (Jacobson and Truax 1991)."""
        return Z95 * self.standard_error_of_difference
