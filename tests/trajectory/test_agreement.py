"""Patient and therapist against the worked numbers of reference 5.6."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fhir_alliance.instruments.precision import Origin, Precision, ReliabilityKind
from fhir_alliance.trajectory.agreement import Differing, Pairs, gap

from .cases import MOVES, RATINGS, STRETCHES, alike, decimals, near, worked

CASES = worked("agreement")
PAIRS = st.lists(st.tuples(RATINGS, RATINGS), max_size=12)
SHUFFLED = PAIRS.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values)))


def precision(rater: str) -> Precision:
    """Return the figures of a form."""
    case = CASES["gap"][rater]
    return Precision(
        sd=Decimal(case["sd"]),
        reliability=Decimal(case["reliability"]),
        kind=ReliabilityKind.ALPHA,
        population="adults",
        source="reference 5.6",
        origin=Origin.PUBLISHED,
    )


PATIENT, THERAPIST = precision("patient"), precision("therapist")


def pairs(values: Iterable[tuple[Decimal, Decimal]]) -> Pairs:
    """Return the sums of visits that both rated."""
    found = Pairs()
    for patient, therapist in values:
        found = found.after(patient, therapist)
    return found


def test_worked_gap() -> None:
    """80 against 60 is not flagged once it is expected that therapists rate lower, and would be without."""
    case = CASES["gap"]

    found = gap(Decimal(80), Decimal(60), of_patient=PATIENT, of_therapist=THERAPIST)

    assert near(PATIENT.standard_error, case["patient"]["sem"])
    assert near(THERAPIST.standard_error, case["therapist"]["sem"])
    assert near(found.expected, case["expected"])
    assert near(found.error, case["error"])
    assert near(found.z, case["z"])
    assert near(found.difference / found.error, case["uncorrected_z"])
    assert near(found.expected + found.limit, case["flagged_above"])
    assert not found.is_reliable


def test_flag() -> None:
    """A gap is flagged just above the limit of the reference, and a much lower patient is flagged as well."""
    at = [
        gap(Decimal(patient), Decimal(60), of_patient=PATIENT, of_therapist=THERAPIST).is_reliable
        for patient in ("80.04", "80.05", "60", "53.76", "53.75")
    ]

    # 6.9 +- 13.148 is 20.048 above and 6.248 below the therapist's 60.
    assert at == [False, True, False, False, True]


def test_differing_for_several_visits() -> None:
    """Only reliable gaps to one side, running, are counted; one to the other side begins anew."""
    found, counted = Differing(), []
    for visit, patient in enumerate([90, 90, 80, 90, 90, 30, 30, 60], 1):
        found = found.after(visit, gap(Decimal(patient), Decimal(60), of_patient=PATIENT, of_therapist=THERAPIST))
        counted.append((found.running, found.first_visit))

    assert counted == [(1, 1), (2, 1), (0, None), (1, 4), (2, 4), (1, 6), (2, 6), (0, None)]


def test_worked_truth_and_bias() -> None:
    """The therapist rates ten lower and follows about half as strongly, to the digits of the reference."""
    case = CASES["truth_and_bias"]

    sums = pairs(zip(decimals(case["patient"]), decimals(case["therapist"]), strict=True))
    found = sums.truth_and_bias()

    assert found is not None
    for name in ("bias", "tracking", "correlation", "concordance"):
        assert near(getattr(found, name), case[name])
    assert near(sums.mean_gap, case["mean_gap"])


def test_too_little_to_say() -> None:
    """Four pairs, or somebody who always rates alike, give no slope; no pair has no mean gap."""
    flat = [(Decimal(7), Decimal(visit)) for visit in range(6)]

    assert pairs([(Decimal(visit), Decimal(visit)) for visit in range(4)]).truth_and_bias() is None
    assert pairs(flat).truth_and_bias() is None
    assert pairs((two, one) for one, two in flat).truth_and_bias() is None
    assert Pairs().mean_gap is None


@given(SHUFFLED)
def test_order_of_visits(values: tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]) -> None:
    """Truth and bias do not depend on the order of the visits."""
    one, other = values

    assert pairs(one) == pairs(other)


@given(PAIRS, STRETCHES, MOVES)
def test_another_unit(values: list[tuple[Decimal, Decimal]], stretch: Decimal, move: Decimal) -> None:
    """A scale that both share, stretched and moved, stretches the bias and leaves the rest."""
    mine = pairs(values).truth_and_bias()
    theirs = pairs((stretch * one + move, stretch * two + move) for one, two in values).truth_and_bias()

    assert (mine is None) == (theirs is None)
    if mine and theirs:
        assert alike(stretch * mine.bias, theirs.bias)
        assert alike(mine.tracking, theirs.tracking)
        assert alike(mine.correlation, theirs.correlation)
        assert alike(mine.concordance, theirs.concordance)


def test_a_small_gap_is_none() -> None:
    """Forms without error differ by nothing that is under the least gap; at it they do."""
    exact = replace(precision("patient"), reliability=Decimal(1))
    usual = Decimal("0.46") * exact.sd

    for off, is_one in (("2.49", False), ("2.5", True), ("-2.5", True)):
        found = gap(usual + Decimal(off), Decimal(0), of_patient=exact, of_therapist=exact, least=Decimal("2.5"))
        assert found.is_reliable is is_one


def test_the_usual_gap_is_that_of_the_patients_form() -> None:
    """What is usual is a share of the spread of the patient's form, however much the therapist's spreads."""
    wide = replace(precision("therapist"), sd=Decimal(40))

    found = gap(Decimal(80), Decimal(60), of_patient=precision("patient"), of_therapist=wide)

    assert found.expected == Decimal("0.46") * precision("patient").sd


def test_the_side_is_that_of_the_usual_gap() -> None:
    """Who rates higher than the therapist, but by less than is usual, lies on the low side; the usual gap on none."""
    exact = replace(precision("patient"), sd=Decimal(10), reliability=Decimal(1))

    found = [gap(Decimal(off), Decimal(0), of_patient=exact, of_therapist=exact) for off in ("4.5", "4.6", "4.7")]

    assert [(each.is_reliable, each.is_wide) for each in found] == [(True, False), (False, False), (True, True)]


def test_gaps_to_both_sides_do_not_cancel() -> None:
    """The mean gap is one of sizes: two higher once and two lower once is two."""
    assert pairs([(Decimal(8), Decimal(6)), (Decimal(6), Decimal(8))]).mean_gap == 2
