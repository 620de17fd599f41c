"""Reliable change against Jacobson and Truax's table and the worked numbers of reference 5.2."""

from collections import Counter
from decimal import Decimal
from statistics import stdev
from typing import Any

import pytest

from fhir_alliance.instruments.precision import Origin, Precision, ReliabilityKind
from fhir_alliance.trajectory.change import (
    clinical_cutoff,
    expected_again,
    published_change,
    reliable_change,
)

from .cases import decimals, near, worked

CASES = worked("reliable-change")


def precision(sd: str, reliability: str, **more: Any) -> Precision:
    """Return figures published for an instrument, unless said otherwise."""
    return Precision(
        sd=Decimal(sd),
        reliability=Decimal(reliability),
        **{
            "kind": ReliabilityKind.ALPHA,
            "population": "adults",
            "source": "manual",
            "origin": Origin.PUBLISHED,
            **more,
        },
    )


@pytest.mark.parametrize("case", CASES["changes"], ids=lambda case: f"{case['sd']}-{case['reliability']}")
def test_worked_change(case: dict[str, Any]) -> None:
    """Each error, threshold and index is what the reference computes, and reliable is strictly more than error."""
    figures = precision(case["sd"], case["reliability"])

    change = reliable_change(Decimal(case["earlier"]), Decimal(case["later"]), figures)

    assert near(figures.standard_error, case["sem"])
    assert near(figures.standard_error_of_difference, case["s_diff"])
    assert near(change.threshold, case["rc"])
    assert near(change.index, case["rci"])
    assert change.is_reliable is case["reliable"]


def test_all_digits() -> None:
    """SD 7.5 with reliability .80 gives the threshold of the CECPfuns package to all its digits."""
    assert abs(precision("7.5", ".80").reliable_difference - Decimal("9.296925484568419")) < Decimal("1e-14")


def test_threshold_itself() -> None:
    """A change of just the computed threshold is not reliable; of just a published "at least 6" it is."""
    figures = precision("1", "1")

    assert not reliable_change(Decimal(5), Decimal(5), figures).is_reliable
    assert reliable_change(Decimal(5), Decimal(5), figures).index is None
    assert published_change(Decimal(15), Decimal(9), Decimal(6)).is_reliable
    assert not published_change(Decimal(15), Decimal(10), Decimal(6)).is_reliable


@pytest.mark.parametrize("counts", CASES["couples"]["counts"], ids=lambda counts: counts["reliability"])
def test_thirty_couples(counts: dict[str, Any]) -> None:
    """The couples of Jacobson and Truax's table improved, worsened or stayed as the reference counts them."""
    pairs = [decimals(pair) for pair in CASES["couples"]["pairs"]]
    before = [pair[0] for pair in pairs]
    sd = stdev(before)
    figures = precision(str(sd), counts["reliability"])

    changes = [reliable_change(earlier, later, figures) for earlier, later in pairs]

    found = Counter((change.difference > 0) if change.is_reliable else None for change in changes)
    assert near(sum(before) / len(before), CASES["couples"]["mean"])
    assert near(sd, CASES["couples"]["sd"])
    assert near(figures.standard_error_of_difference, counts["s_diff"])
    assert (found[True], found[False], found[None]) == (counts["improved"], counts["worse"], counts["unchanged"])


@pytest.mark.parametrize("case", CASES["cutoffs"], ids=lambda case: case["cutoff"])
def test_clinical_cutoff(case: dict[str, Any]) -> None:
    """The cut-off lies as many standard deviations from either group."""
    (low, low_sd), (high, high_sd) = decimals(case["lower"]), decimals(case["upper"])

    assert near(clinical_cutoff((low, low_sd), (high, high_sd)), case["cutoff"])


def test_expected_again() -> None:
    """A low first score is expected to come back nearer to the mean, with the range of the reference."""
    case = CASES["again"]

    low, high = expected_again(
        Decimal(case["first"]),
        mean=Decimal(case["mean"]),
        sd=Decimal(case["sd"]),
        reliability=Decimal(case["reliability"]),
    )

    assert near(low, case["low"])
    assert near(high, case["high"])


@pytest.mark.parametrize(
    ("sd", "reliability", "more"),
    [("0", ".9", {}), ("1", "1.1", {}), ("1", ".9", {"origin": Origin.SITE, "people": 99})],
)
def test_impossible_figures(sd: str, reliability: str, more: dict[str, Any]) -> None:
    """No spread, a reliability above 1 and a site's figures from 99 people are refused."""
    with pytest.raises(ValueError, match=r"deviation|first ratings"):
        precision(sd, reliability, **more)


def test_unvalidated_instrument() -> None:
    """For an unvalidated instrument only a site's own figures hold; computed ones are called provisional."""
    own = precision("1", ".9", origin=Origin.SITE, people=100)
    computed = precision("1", ".9", origin=Origin.COMPUTED)

    assert own.holds_for(validated=False)
    assert not computed.holds_for(validated=False)
    assert computed.holds_for(validated=True)
    assert computed.is_provisional
    assert not own.is_provisional
