"""Reasons: each with its numbers, none from too little, and every sentence as the golden file has it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from fhir_alliance.instruments.catalogue import installed, shipped
from fhir_alliance.instruments.precision import Origin, Precision, ReliabilityKind
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.trajectory.agreement import Differing, gap
from fhir_alliance.trajectory.gaps import gaps_of
from fhir_alliance.trajectory.reasons import reasons_of
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.ruptures import Level, find_episodes
from fhir_alliance.trajectory.seen import Look, Name, Seen, SiteFigures, exact
from fhir_alliance.trajectory.series import Rating

from .cases import FOLDER, MOVES, SERIES, STRETCHES

CORE = shipped().instrument("visit-check-in").scales[0]
PUBLISHED = Precision(
    sd=Decimal("1.5"),
    reliability=Decimal("0.9"),
    kind=ReliabilityKind.ALPHA,
    population="adults in outpatient care",
    source="a manual",
    origin=Origin.PUBLISHED,
)
COMPUTED = replace(PUBLISHED, origin=Origin.COMPUTED)
COARSE = replace(PUBLISHED, sd=Decimal("2.5"))
SITE = replace(PUBLISHED, origin=Origin.SITE, people=120, population="first ratings here", source="this clinic")
USUAL = (8, 7.5, 8, 8.5, 8)
LOW = (*USUAL, 8, 6.25, 6)


def seen(*values: float | Decimal | None, scale: Scale = CORE, **more: Any) -> Seen:
    """Return what is seen of one rating a visit; None is a visit without an answer."""
    rated = {visit: Decimal(str(value)) for visit, value in enumerate(values, 1) if value is not None}
    ratings = [Rating(visit=visit, day="", value=value) for visit, value in rated.items()]
    known = {
        "name": "Thomas",
        "validated": True,
        "gaps": gaps_of(range(1, len(values) + 1), rated.keys()),
        "course": RULES.start(scale).over(rated.values()),
        **more,
    }
    return Seen(scale=scale, ratings=ratings, visit=len(values), **known)


def differ(
    patient: float,
    therapist: float,
    precision: Precision = PUBLISHED,
    *,
    of_therapist: Precision | None = None,
    visits: int = 5,
) -> Seen:
    """Return what is seen when both rate some visits always alike, on forms that are equally exact or not."""
    found = Differing()
    both = gap(
        Decimal(str(patient)),
        Decimal(str(therapist)),
        of_patient=precision,
        of_therapist=of_therapist or precision,
        least=Decimal("2.5"),
    )
    for visit in range(1, visits + 1):
        found = found.after(visit, both)
    return seen(*[patient] * visits, precision=precision, of_therapist=of_therapist or precision, differing=found)


FORBIDDEN = re.compile(
    r"strained|\bpoor|\brisk|talk now|probab|likely|chance|critical|!|\b(he|she|his|her|they|their)\b", re.IGNORECASE
)
EARLY = SiteFigures(
    mean=Decimal("7.5"), between=Decimal("0.75"), within=Decimal("0.75"), people=140, source="this clinic, 2026"
)
CASES: Mapping[str, Seen] = {
    "nothing": seen(*USUAL, 8, 7.5),
    "below the usual range": seen(*LOW),
    "below the usual range, unvalidated": seen(*LOW, validated=False),
    "below the usual range, with a gap": seen(*USUAL, 8, 6.25, None, 6),
    "reliable fall": seen(*LOW, precision=PUBLISHED),
    "reliable fall, provisional": seen(*LOW, precision=COMPUTED),
    "reliable fall, unvalidated, the site's own figures": seen(*LOW, validated=False, precision=SITE),
    "slow slide": seen(*USUAL, 7, 6.75, 6.5, 6.5, 6.5, 6.5, 6.5),
    "marked rupture": seen(*USUAL, 8, 4),
    "marked rupture, of somebody who varies": seen(8, 7.2, 8, 7.2, 8, 4.1),
    "marked rupture, lowest later": seen(*USUAL, 8, 5.5, 4),
    "marked rupture, unrepaired": seen(*USUAL, 8, 3, 3.5, 4, 3.5, 4, 3.5),
    "two forms missed": seen(*USUAL, None, None),
    "five forms missed": seen(*USUAL, 8, None, None, None, None, None),
    "patient higher": differ(9.5, 6),
    "patient lower": differ(5, 8),
    "patient lower, provisional": differ(5, 8, COMPUTED),
    "patient lower, unequal forms": differ(5, 8, of_therapist=replace(PUBLISHED, reliability=Decimal("0.8"))),
    "patient higher by less than is usual": differ(
        7.5, 7, replace(PUBLISHED, sd=Decimal(7), reliability=Decimal("0.99"))
    ),
    "patient alike": differ(7, 7, replace(PUBLISHED, sd=Decimal(6), reliability=Decimal("0.99"))),
    "early mean low": seen(6, 6, 5.5, site=EARLY),
}


def told(case: Seen) -> Iterator[str]:
    """Yield what a page would say of a case."""
    for reason in reasons_of(case):
        yield f"[{reason.look}] {reason.sentence}"
        yield from (f"    {line}" for line in reason.inputs)


def test_golden_sentences() -> None:
    """Every reason, in each of its wordings, says just what the golden file says."""
    written = "\n".join(line for name, case in CASES.items() for line in (f"== {name}", *told(case)))

    assert written + "\n" == (FOLDER / "reasons.txt").read_text()


def test_words() -> None:
    """The golden file has every reason and judges nobody: no forbidden word, no probability, no pronoun."""
    golden = (FOLDER / "reasons.txt").read_text()

    found = {reason.name for case in CASES.values() for reason in reasons_of(case)}
    assert found == set(Name)
    assert not FORBIDDEN.search(golden)


def names(case: Seen) -> list[Name]:
    """Return the names of the reasons of a case."""
    return [reason.name for reason in reasons_of(case)]


def test_low_for_one_visit_only() -> None:
    """One low visit is no reason, nor is one low and one just above the limit; two running are."""
    assert names(seen(*USUAL, 8, 5.5)) == []
    # Mean 8, sigma 0.5: low is at or under 6.25.
    assert names(seen(*USUAL, 8, 6.25, 6.26)) == []
    assert names(seen(*USUAL, 8, 6.25, 6.25)) == [Name.LOW]


def test_baseline_of_four_is_too_short() -> None:
    """Low ratings are told against five earlier ones only: with four before them, two are no reason."""
    assert names(seen(8, 7.5, 8, 8.5, 6, 6)) == []


def test_possible_rupture_is_no_reason() -> None:
    """A fall of one spread is drawn, but it is never a reason."""
    case = seen(*USUAL, 8, 6.75)
    ratings = [rating.value for rating in case.ratings]

    assert list(find_episodes(ratings, Level.POSSIBLE, case.course.marked.yardstick))
    assert names(case) == []


def test_repaired_rupture_is_no_reason() -> None:
    """When the rating has come back by as much as the fall had to have, the reason is gone."""
    assert names(seen(*USUAL, 8, 4, 7.5)) == []


def test_full_repair_is_no_reason() -> None:
    """A rating that has come all the way back ends the reason, as one in part does."""
    assert names(seen(*USUAL, 8, 4, 8.5)) == []


def test_rupture_of_just_the_size() -> None:
    """A fall of just 1.5 thresholds to just 30 % of the scale under the mean is a reason; a little less is none."""
    steady = (*USUAL, 8, 8, 8, 8, 8, 8)  # the highest of the last six is the mean

    # Mean 8, marked from 2: the fall and the depth have to be 3.
    assert names(seen(*steady, 5)) == [Name.RUPTURE]
    assert names(seen(*steady, 5.01)) == []
    # From 8.5 the fall is more than large enough, and the depth decides alone.
    assert names(seen(*USUAL, 8, 5)) == [Name.RUPTURE]
    assert names(seen(*USUAL, 8, 5.01)) == []


def test_rupture_of_somebody_who_varies() -> None:
    """Who varies by more than a steady person has to fall deeper: five of their own sigmas, here 3.55."""
    varied = (8, 7.2, 8, 7.2, 8)

    assert names(seen(*varied, 4.5)) == []
    assert names(seen(*varied, 4.1)) == [Name.RUPTURE]


def test_rupture_among_ratings_that_swing() -> None:
    """Who has swung by 2 since, so that a fall is marked from 3.27, has to fall by half as much again."""
    swung = (8, 8, 8, 8, 8, 6, 8, 6, 8, 6, 8)
    case = seen(*swung, 3.5)

    assert case.course.marked.episode is not None
    assert case.course.marked.episode.opened == 12
    assert Name.RUPTURE not in names(case)
    assert Name.RUPTURE in names(seen(*swung, 1))


def test_a_reason_is_as_new_as_its_last_rating() -> None:
    """What the ratings give rests on the last of them."""
    (reason,) = reasons_of(seen(*LOW))

    assert reason.visit == len(LOW)


def test_slide_of_just_the_size() -> None:
    """A weighted mean just 12 % of the scale under the mean is a slide; a little less is none, however exact."""
    # .3 x 4 + .7 x 8 is 6.8, and the limit by its standard errors is 6.83.
    assert Name.SLIDE in names(seen(8, 8, 8, 8, 8, 4))
    assert Name.SLIDE not in names(seen(8, 8, 8, 8, 8, 4.01))


def test_slide_within_what_is_usual() -> None:
    """Where ratings vary much, a weighted mean far under the mean may lie within its own error, and is no slide."""
    case = seen(8, 6, 8, 6, 8, 5, 5, 5)

    assert case.course.slide is not None
    assert case.course.slide.mean is not None
    assert case.course.slide.base.centre - case.course.slide.mean > Decimal("1.2")
    assert names(case) == []


def test_reliable_fall_twice() -> None:
    """One of the two low ratings within the error of measurement makes no reliable fall, whichever it is."""
    # A reliable change is 2.19 here: 5.5 lies further under the mean of 8, 6.25 does not.
    assert names(seen(*USUAL, 8, 6.25, 5.5, precision=COARSE)) == [Name.LOW]
    assert names(seen(*USUAL, 8, 5.5, 6.25, precision=COARSE)) == [Name.LOW]
    assert names(seen(*USUAL, 8, 5.5, 5.5, precision=COARSE)) == [Name.FALL]


def test_fall_of_just_a_reliable_change() -> None:
    """A fall of just what error explains is none beyond it."""
    just = 8 - COARSE.reliable_difference

    assert names(seen(*USUAL, 8, just, just, precision=COARSE)) == [Name.LOW]
    assert names(seen(*USUAL, 8, just - Decimal("0.01"), just - Decimal("0.01"), precision=COARSE)) == [Name.FALL]


def test_disagreement_is_as_sure_as_the_less_sure_form() -> None:
    """One provisional form makes the reason so, and one form whose figures may not be used leaves none."""
    (reason,) = reasons_of(replace(differ(5, 8), of_therapist=COMPUTED))

    assert reason.look is Look.WORTH
    assert "(provisional)" in reason.sentence
    assert names(replace(differ(9.5, 6, SITE), of_therapist=PUBLISHED, validated=False)) == []


def test_validated_only() -> None:
    """What is asked this visit is asked of validated instruments only; an unvalidated one raises "worth a look"."""
    asked = [case for case in CASES.values() if any(each.look is Look.ASK for each in reasons_of(case))]

    assert len(asked) >= 5
    for case in asked:
        softer = reasons_of(replace(case, validated=False))
        assert all(each.look is Look.WORTH for each in softer)


def test_unvalidated_has_no_reliable_change() -> None:
    """Without the site's own figures an unvalidated instrument knows neither reliable fall nor disagreement."""
    assert names(seen(*LOW, validated=False, precision=PUBLISHED)) == [Name.LOW]
    assert names(replace(differ(9.5, 6), validated=False)) == []
    assert names(replace(differ(9.5, 6, SITE), validated=False)) == [Name.DIFFERING]


def test_disagreement_needs_five_visits_and_both_forms() -> None:
    """Four visits apart are no reason, nor is a therapist's form of unknown precision."""
    assert names(differ(9.5, 6, visits=4)) == []
    assert names(replace(differ(9.5, 6), of_therapist=None)) == []


def facts(name: Name, case: Seen) -> tuple[Decimal | int, ...]:
    """Return the facts of the reason of this name that a case gives."""
    (found,) = [reason.facts for reason in reasons_of(case) if reason.name is name]
    return found


@pytest.mark.parametrize(
    ("name", "before", "other"),
    [
        (Name.LOW, LOW, (*USUAL, 8, 6.25, 5.9)),
        (Name.LOW, LOW, (8, 7.5, 8, 8.5, 8.1, 8, 6.25, 6)),
        (Name.RUPTURE, (*USUAL, 8, 4), (*USUAL, 8, 3.9)),
        (Name.RUPTURE, (*USUAL, 8, 5.5, 4), (*USUAL, 8, 5.5, 3.9)),
        (Name.RUPTURE, (*USUAL, 8, 4), (8, 7.6, 8, 8.5, 8, 8, 4)),
        (Name.SLIDE, (*USUAL, 7, 6.75, 6.5, 6.5, 6.5, 6.5, 6.5), (*USUAL, 7, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5)),
        (Name.MISSED, (*USUAL, 8, None, None), (*USUAL, None, None, None)),
        (Name.MISSED, (*USUAL, 8, None, None), (8, None, 8, 8.5, 8, 8, None, None)),
        (Name.EARLY, (6, 6, 5.5), (6, 5.5, 5.5)),
    ],
)
def test_other_ratings_are_other_facts(
    name: Name, before: tuple[float | None, ...], other: tuple[float | None, ...]
) -> None:
    """Whatever a reason is made of is in its facts: when it changes at the same visits, the facts do."""
    known = seen(*before, site=EARLY)

    assert facts(name, known) == facts(name, seen(*before, site=EARLY, name="Someone else"))
    assert facts(name, known) != facts(name, seen(*other, site=EARLY))


def test_facts_of_a_disagreement_and_of_what_does_not_matter() -> None:
    """Another gap, or another visit with it or before it, are other facts; a rating that no rule looks at is none."""
    known = differ(5, 8)
    assert known.differing is not None
    later = replace(known, differing=replace(known.differing, first_visit=2))
    cases = (known, later, differ(5, 8.5), differ(5, 8, visits=6))
    assert len({facts(Name.DIFFERING, each) for each in cases}) == 4
    assert facts(Name.LOW, seen(*LOW)) == facts(Name.LOW, seen(*USUAL, 7.9, 6.25, 6))


def test_two_items_say_nothing() -> None:
    """A domain of one or two items raises nothing at all, one of three does."""
    goals = next(scale for scale in shipped().instrument("visit-check-in").scales if len(scale.items) == 2)
    three = replace(CORE, items=CORE.items[:3])

    assert names(seen(*LOW, None, None, scale=goals)) == []
    assert names(seen(*LOW, scale=three)) == [Name.LOW]


def test_a_score_that_a_form_computes_itself() -> None:
    """How many items are behind a score of a site's own form nobody knows: it raises what others raise."""
    own = installed(None, own_forms=FOLDER.parents[2] / "docs" / "examples").instrument("session-feedback")
    one = replace(CORE, items=CORE.items[:1], calculation=own.scales[0].calculation)

    assert one.calculation is not None
    assert names(seen(*LOW, scale=one)) == [Name.LOW]


def test_order() -> None:
    """Reasons come in the order of time: what the first visits said, then the ratings, then what is missing."""
    assert names(seen(6, 6, 5.5, None, None, site=EARLY)) == [Name.EARLY, Name.MISSED]
    assert names(seen(*USUAL, 8, 4, 4, None, None)) == [Name.LOW, Name.RUPTURE, Name.MISSED]


def test_one_missed_form() -> None:
    """One missed form is no reason, and missed forms make no rating low."""
    assert names(seen(*USUAL, 8, None)) == []
    assert names(seen(*USUAL, None, 8, None, None)) == [Name.MISSED]


def test_missed_forms_rest_on_the_last_of_them() -> None:
    """A visit that can still be answered is no news: the reason is as new as the last form that was missed."""
    (reason,) = reasons_of(replace(seen(*USUAL, 8, None, None), visit=9))

    assert reason.visit == 8


@pytest.mark.parametrize(
    ("values", "raised"),
    [
        ((6, 6), False),
        ((5, 5), False),  # low enough, but an estimate yet
        # Of three the weight is .75, so a mean of 6 is one of 6.375, just the limit; of four it is .8.
        ((6, 6, 6), True),
        ((6, 6, 6.01), False),
        ((None, 6, None, 6), False),
        ((6, 6, 6.75, 5.62), True),
        ((6, 6, 6, 6), True),
        ((6, 6, 6, 6, 6), False),
    ],
)
def test_early_mean(values: tuple[float | None, ...], raised: bool) -> None:
    """A low early mean, drawn towards the clinic's, is a reason from the third visit to the fourth, no later."""
    assert (Name.EARLY in names(seen(*values, site=EARLY))) is raised


def test_early_mean_without_site_figures() -> None:
    """Nobody else's mean stands in for the site's, and the site's needs a hundred people."""
    assert names(seen(1, 1, 1)) == []
    with pytest.raises(ValueError, match="100"):
        replace(EARLY, people=99)


@pytest.mark.parametrize("wrong", [{"between": Decimal(0)}, {"between": Decimal(-1)}, {"within": Decimal(-1)}])
def test_site_figures_that_cannot_be(wrong: dict[str, Decimal]) -> None:
    """People who do not differ, or vary by less than nothing, are no figures; a hundred who never vary are."""
    assert replace(EARLY, people=100, within=Decimal(0)).people == 100
    with pytest.raises(ValueError, match="above 0"):
        replace(EARLY, **wrong)


def test_share_of_a_scale_that_does_not_begin_at_0() -> None:
    """A quarter of a scale from 1 to 5 is one point."""
    case = seen(3, scale=replace(CORE, minimum=Decimal(1), maximum=Decimal(5)))

    assert case.share(Decimal("0.25")) == 1


def test_scale_without_ends() -> None:
    """Where nobody has said how far a score goes and it never varied, there is no spread and no reason."""
    endless = replace(CORE, minimum=Decimal(0), maximum=Decimal(0))

    assert names(seen(8, 8, 8, 8, 8, 8, 1, 1, scale=endless)) == []


@pytest.mark.parametrize("values", [(), (8,), (8,) * 30])
def test_nothing_to_say(values: tuple[float, ...]) -> None:
    """No rating, one rating and always the same rating raise nothing."""
    assert names(seen(*values, precision=PUBLISHED, site=EARLY)) == []


@given(SERIES, STRETCHES, MOVES)
def test_another_unit(values: list[Decimal], stretch: Decimal, move: Decimal) -> None:
    """A scale that is stretched and moved raises the same reasons."""
    wide = replace(CORE, minimum=Decimal(0), maximum=Decimal(40))
    other = replace(CORE, minimum=move, maximum=40 * stretch + move)

    mine = names(seen(*map(float, values), scale=wide))

    assert mine == names(seen(*(float(stretch * value + move) for value in values), scale=other))


def test_numbers_to_check_by_hand() -> None:
    """Numbers keep up to four decimals, with a real minus, and no exponent."""
    assert [exact(Decimal(value)) for value in ("7.10000", "-1.25", "100", "0.00004", "4.18185")] == [
        "7.1",
        "−1.25",
        "100",
        "0",
        "4.1819",
    ]
