"""Whether patient and therapist see it alike: the gap, what of it was to be expected, and who follows whom."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from fhir_alliance.instruments.precision import Z95, Precision

# Therapists rate lower than their patients: d = -.46, 22 studies (Igra 2020).
EXPECTED: Final = Decimal("0.46")
# Fewer pairs make a slope of chance.
PAIRS_NEEDED: Final = 5


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Patient minus therapist at one visit, both in percent of the maximum possible, or both on one scale.

    A gap that is less than `least` off what was to be expected is too small to be one, however exact the forms are.
    """

    difference: Decimal
    expected: Decimal
    error: Decimal
    least: Decimal

    @property
    def z(self) -> Decimal | None:
        """How many standard errors the gap is off what was to be expected; None where the forms have no error."""
        return (self.difference - self.expected) / self.error if self.error else None

    @property
    def is_wide(self) -> bool:
        """Whether the patient rates higher than was to be expected, not lower."""
        return self.difference > self.expected

    @property
    def is_reliable(self) -> bool:
        """Whether the two disagree by more than error and more than therapists usually rate lower."""
        off = abs(self.difference - self.expected)
        return off > self.limit and off >= self.least

    @property
    def limit(self) -> Decimal:
        """How far off what was to be expected error alone explains, 1.96 standard errors."""
        return Z95 * self.error


def gap(
    patient: Decimal, therapist: Decimal, *, of_patient: Precision, of_therapist: Precision, least: Decimal = Decimal(0)
) -> Gap:
    """Return the gap of two ratings of one visit, on parallel forms and in the same units as both precisions.

    |D - expected| > 1.96 * sqrt(SEM_P^2 + SEM_T^2), expected = .46 * SD of the patient form (Igra 2020). The raw gap
    alone would flag too often. A prompt for conversation: studies disagree on what it means.
    """
    return Gap(
        difference=patient - therapist,
        expected=EXPECTED * of_patient.sd,
        error=(of_patient.standard_error**2 + of_therapist.standard_error**2).sqrt(),
        least=least,
    )


@dataclass(frozen=True, kw_only=True)
class Differing:
    """How many of the last visits that both rated had a reliable gap, all to one side; `after` adds such a visit."""

    running: int = 0
    first_visit: int | None = None
    last: Gap | None = None

    def after(self, visit: int, gap: Gap) -> "Differing":
        """Return the count with one more visit that both rated."""
        if not gap.is_reliable:
            return Differing(last=gap)
        goes_on = self.running > 0 and self.last is not None and gap.is_wide == self.last.is_wide
        first = self.first_visit if goes_on else visit
        return Differing(running=self.running + 1 if goes_on else 1, first_visit=first, last=gap)


def differing_over(
    pairs: Iterable[tuple[int, Decimal, Decimal]], *, of_patient: Precision, of_therapist: Precision, least: Decimal
) -> Differing:
    """Return the count over visits as (number, patient's rating, therapist's), oldest first."""
    found = Differing()
    for visit, patient, therapist in pairs:
        both = gap(patient, therapist, of_patient=of_patient, of_therapist=of_therapist, least=least)
        found = found.after(visit, both)
    return found


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Ratings of the same visits by both, as sums; `after` adds a visit in constant time.

    Truth and bias as in Atzil-Slonim 2015, with the patient's ratings as the truth, both centred on the patient's
    mean: (T - mean P) = bias + tracking * (P - mean P). For one dyad; a study of many needs the multilevel model.
    """

    count: int = 0
    patient: Decimal = Decimal(0)
    therapist: Decimal = Decimal(0)
    patient_squares: Decimal = Decimal(0)
    therapist_squares: Decimal = Decimal(0)
    products: Decimal = Decimal(0)
    gaps: Decimal = Decimal(0)

    def after(self, patient: Decimal, therapist: Decimal) -> "Pairs":
        """Return the sums with one more visit that both rated."""
        return replace(
            self,
            count=self.count + 1,
            patient=self.patient + patient,
            therapist=self.therapist + therapist,
            patient_squares=self.patient_squares + patient**2,
            therapist_squares=self.therapist_squares + therapist**2,
            products=self.products + patient * therapist,
            gaps=self.gaps + abs(patient - therapist),
        )

    @property
    def mean_gap(self) -> Decimal | None:
        """The mean of |P - T|; None without a pair."""
        return self.gaps / self.count if self.count else None

    def truth_and_bias(self) -> "TruthAndBias | None":
        """Return how the therapist's ratings follow the patient's; None for fewer than five pairs.

        Nor is there one where either always rated alike: nothing can then be followed.
        """
        n = self.count
        if n < PAIRS_NEEDED:
            return None
        mean_gap = (self.therapist - self.patient) / n
        # Sums of squares about the means, times n: exact in decimals, so that nothing cancels.
        of_patient = n * self.patient_squares - self.patient**2
        of_therapist = n * self.therapist_squares - self.therapist**2
        of_both = n * self.products - self.patient * self.therapist
        if not of_patient or not of_therapist:
            return None
        return TruthAndBias(
            bias=mean_gap,
            tracking=of_both / of_patient,
            correlation=of_both / (of_patient * of_therapist).sqrt(),
            concordance=2 * of_both / (of_patient + of_therapist + (n * mean_gap) ** 2),
        )


@dataclass(frozen=True, kw_only=True)
class TruthAndBias:
    """How a therapist's ratings follow a patient's: `bias` in units of the score, the others without unit.

    `tracking` 1 follows each rise and fall in full, 0 not at all; `correlation` is Pearson's r, `concordance` Lin's
    coefficient with the sums divided by n.
    """

    bias: Decimal
    tracking: Decimal
    correlation: Decimal
    concordance: Decimal
