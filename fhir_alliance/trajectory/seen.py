"""What reasons are looked for in, and what a reason is."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from fhir_alliance.instruments.precision import FIRST_RATINGS_NEEDED, Precision
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.sentences import Number, Sentence, Series
from fhir_alliance.trajectory.agreement import Differing
from fhir_alliance.trajectory.course import Course
from fhir_alliance.trajectory.gaps import Gaps
from fhir_alliance.trajectory.rules import RULES, Rules
from fhir_alliance.trajectory.series import Rating


class Look(StrEnum):
    """How a reason is put; "ask this visit" only for a validated instrument."""

    WORTH = "worth a look"
    ASK = "ask this visit"


class Name(StrEnum):
    """The reasons there are."""

    LOW = "below the usual range"
    FALL = "reliable fall"
    SLIDE = "slow slide"
    RUPTURE = "marked rupture"
    MISSED = "forms missed"
    DIFFERING = "reliable disagreement"
    EARLY = "early mean low"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason to look: a sentence, and all that it takes to check it by hand; `visit` is the newest it rests on.

    `facts` are the numbers that the reason is made of: while they are the same it is the same, whatever its words.
    """

    name: Name
    look: Look
    sentence: Sentence
    inputs: tuple[Sentence, ...]
    visit: int
    facts: tuple[Decimal | int, ...]


@dataclass(frozen=True, kw_only=True)
class SiteFigures:
    """What the early ratings (visits 1 to 4) of this site's patients are like.

    `between` is the standard deviation of people's levels, `within` that of one person's ratings from visit to visit.
    ValueError for fewer than 100 people, and for people who do not differ.
    """

    mean: Decimal
    between: Decimal
    within: Decimal
    people: int
    source: str

    def __post_init__(self) -> None:
        if self.people < FIRST_RATINGS_NEEDED:
            raise ValueError(f"a site's own figures need {FIRST_RATINGS_NEEDED} first ratings")
        if self.between <= 0 or self.within < 0:
            raise ValueError("people differ by a standard deviation above 0, and visits by one of 0 or more")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One series, `ratings` oldest first with their `course`, and what is known beside it.

    The scale must be one on which more is better. Without `precision` (of the patient's form) there is no reliable
    fall, without `of_therapist` and `differing` no disagreement, without `site` no early mean. `visit` is the newest
    visit of all, `gaps` counts those whose forms can no longer be answered.
    """

    name: str
    scale: Scale
    validated: bool
    ratings: Sequence[Rating]
    course: Course
    visit: int
    gaps: Gaps = Gaps()  # noqa: RUF009  # frozen
    precision: Precision | None = None
    of_therapist: Precision | None = None
    differing: Differing | None = None
    site: SiteFigures | None = None
    rules: Rules = RULES

    @property
    def baseline(self) -> str:
        """The visits of the baseline in words."""
        first = self.ratings[: len(self.course.chart.first)]
        return span(first[0].visit, first[-1].visit, len(first))

    def share(self, part: Decimal) -> Decimal:
        """Return a share of the range of the scale in points."""
        return part * (self.scale.maximum - self.scale.minimum)


_PLACES: Final = Decimal("0.0001")


def exact(value: Decimal) -> Number:
    """Return a number as it takes to check by hand: up to four decimals, half up, with a real minus sign."""
    shown = value.quantize(_PLACES, rounding=ROUND_HALF_UP)
    return Number(f"{shown.normalize():f}".replace("-", "−") if shown else "0")


def span(first: int, last: int, count: int) -> str:
    """Return some visits in words, by the first and the last of them: "5", "8 and 9", "1–5"."""
    if count == 1:
        return str(first)
    return Sentence("%(first)s and %(last)s", first=first, last=last) if count == 2 else f"{first}–{last}"


def listed(ratings: Sequence[Rating]) -> Series:
    """Return each rating with its visit."""
    said = (Sentence("visit %(visit)s: %(value)s", visit=each.visit, value=exact(each.value)) for each in ratings)
    return Series("; ", said)
