"""What a reason opens to: every number and formula that it takes to check it by hand, in sentences."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from fhir_alliance.instruments.precision import Z95, Precision
from fhir_alliance.sentences import Number, Sentence, marked
from fhir_alliance.trajectory.control import MOVING_RANGE_TO_SIGMA, Baseline
from fhir_alliance.trajectory.early import EarlyAlliance
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.ruptures import Episode
from fhir_alliance.trajectory.seen import Seen, SiteFigures, exact, listed
from fhir_alliance.trajectory.series import Rating
from fhir_alliance.trajectory.slide import WeightedMean
from fhir_alliance.trajectory.usual import usual_range

# By whether they are computed from figures of other people, and whether it is known of how many.
_FIGURES: Final[Mapping[tuple[bool, bool], str]] = {
    (False, False): marked(
        "Standard deviation %(deviation)s, reliability %(reliability)s (%(kind)s), so an error of %(error)s; "
        "%(population)s; %(source)s."
    ),
    (False, True): marked(
        "Standard deviation %(deviation)s, reliability %(reliability)s (%(kind)s), so an error of %(error)s; "
        "%(population)s, %(people)s people; %(source)s."
    ),
    (True, False): marked(
        "Standard deviation %(deviation)s, reliability %(reliability)s (%(kind)s), so an error of %(error)s, "
        "provisional, computed from figures of other people; %(population)s; %(source)s."
    ),
    (True, True): marked(
        "Standard deviation %(deviation)s, reliability %(reliability)s (%(kind)s), so an error of %(error)s, "
        "provisional, computed from figures of other people; %(population)s, %(people)s people; %(source)s."
    ),
}


def baseline_inputs(seen: Seen, base: Baseline) -> tuple[Sentence, ...]:
    """Return what the person's own first ratings give."""
    first = seen.ratings[: len(seen.course.chart.first)]
    usual = usual_range(first, seen.scale)
    said = (
        Sentence("First ratings: %(ratings)s; mean %(mean)s.", ratings=listed(first), mean=exact(base.centre)),
        Sentence(
            "Sigma %(sigma)s: mean step between these / %(divisor)s, at least %(least)s.",
            sigma=exact(base.sigma),
            divisor=exact(MOVING_RANGE_TO_SIGMA),
            least=exact(seen.course.chart.floor),
        ),
    )
    if usual is None:
        return said
    limits = Sentence(
        "Limits %(low)s–%(high)s: mean ± 2 sigmas, within the scale.",
        low=one_decimal(usual.low),
        high=one_decimal(usual.high),
    )
    return (*said, limits)


def low_inputs(seen: Seen, base: Baseline, two: Sequence[Rating]) -> tuple[Sentence, ...]:
    """Return the last two ratings and what both had to lie under."""
    widths = seen.rules.low_widths
    return (
        Sentence("Last two ratings: %(ratings)s.", ratings=listed(two)),
        Sentence(
            "Both at or under %(limit)s: %(widths)s sigmas below the mean.",
            limit=exact(base.below(widths)),
            widths=exact(widths),
        ),
    )


def slide_inputs(seen: Seen, slid: WeightedMean, mean: Decimal) -> tuple[Sentence, ...]:
    """Return all ratings, and how the weighted mean and its limit come out of them."""
    weight, kept, widths = exact(slid.weight), exact(1 - slid.weight), exact(seen.rules.slide_widths)
    points, limit = exact(seen.share(seen.rules.slide_share)), exact(slid.limit(seen.rules.slide_widths))
    return (
        Sentence("All ratings: %(ratings)s.", ratings=listed(seen.ratings)),
        Sentence(
            "Weighted mean: from %(mean)s, for each rating %(weight)s × rating + %(kept)s × mean before.",
            mean=exact(slid.base.centre),
            weight=weight,
            kept=kept,
        ),
        Sentence(
            "Now %(mean)s; limit: mean − %(widths)s × sigma × √(%(weight)s / %(rest)s × (1 − %(kept)s^%(twice)s)) = "
            "%(limit)s.",
            mean=exact(mean),
            widths=widths,
            weight=weight,
            rest=exact(2 - slid.weight),
            kept=kept,
            twice=2 * len(seen.ratings),
            limit=limit,
        ),
        Sentence("And at least %(points)s points below the mean.", points=points),
    )


def rupture_inputs(seen: Seen, episode: Episode, depth: Decimal) -> tuple[Sentence, ...]:
    """Return the fall, its threshold and what it had to reach."""
    opened, lowest = (seen.ratings[number - 1].visit for number in (episode.opened, episode.lowest))
    rules, threshold = seen.rules, exact(episode.threshold)
    widths, least = exact(rules.rupture_widths), exact(rules.rupture_times * episode.threshold)
    between, share = exact(seen.course.marked.yardstick.between), exact(seen.share(rules.rupture_share))
    return (
        Sentence("All ratings: %(ratings)s.", ratings=listed(seen.ratings)),
        Sentence(
            "Highest of the 6 ratings before visit %(opened)s: %(highest)s; lowest since: %(trough)s, at visit "
            "%(lowest)s; fall %(fall)s.",
            opened=opened,
            highest=exact(episode.reference),
            trough=exact(episode.trough),
            lowest=lowest,
            fall=exact(episode.drop),
        ),
        Sentence(
            "Marked from %(threshold)s: 2 × the larger of %(between)s and the standard deviation of the changes "
            "before.",
            threshold=threshold,
            between=between,
        ),
        Sentence(
            "Raised from %(times)s × %(threshold)s = %(least)s.",
            times=exact(rules.rupture_times),
            threshold=threshold,
            least=least,
        ),
        Sentence(
            "And the lowest at least %(depth)s below the mean: %(widths)s sigmas and %(points)s points.",
            depth=exact(depth),
            widths=widths,
            points=share,
        ),
        Sentence("It has come back when a rating is %(threshold)s above the lowest.", threshold=threshold),
    )


def early_inputs(
    seen: Seen, site: SiteFigures, found: EarlyAlliance, drawn: Decimal, weight: Decimal
) -> tuple[Sentence, ...]:
    """Return the early ratings, the clinic's, and how their mean comes out of both."""
    mean, of_site, between, within = map(exact, (found.mean, site.mean, site.between, site.within))
    limit = exact(site.mean - seen.rules.early_widths * site.between)
    return (
        Sentence("Ratings of visits 1–4: %(ratings)s; mean %(mean)s.", ratings=listed(seen.ratings), mean=mean),
        Sentence(
            "Clinic: mean %(mean)s, standard deviation %(between)s between people and %(within)s from visit to visit; "
            "%(people)s people; %(source)s.",
            mean=of_site,
            between=between,
            within=within,
            people=site.people,
            source=site.source,
        ),
        Sentence(
            "Drawn towards the clinic's mean: %(usual)s + %(weight)s × (%(mean)s − %(usual)s) = %(drawn)s.",
            usual=of_site,
            weight=exact(weight),
            mean=mean,
            drawn=exact(drawn),
        ),
        Sentence(
            "%(weight)s is %(between)s² / (%(between)s² + %(within)s² / %(number)s).",
            weight=exact(weight),
            between=between,
            within=within,
            number=found.ratings,
        ),
        Sentence(
            "Raised at or under %(limit)s: %(mean)s − %(widths)s × %(between)s.",
            limit=limit,
            mean=of_site,
            widths=exact(seen.rules.early_widths),
            between=between,
        ),
    )


def precision_inputs(precision: Precision) -> tuple[Sentence, ...]:
    """Return the reliable change and where its figures come from."""
    sd, reliability, least = map(exact, (precision.sd, precision.reliability, precision.reliable_difference))
    return (
        Sentence(
            "Both below the mean by more than %(least)s: %(z)s × √2 × %(deviation)s × √(1 − %(reliability)s).",
            least=least,
            z=Number(f"{Z95:.6f}"),
            deviation=sd,
            reliability=reliability,
        ),
        figures(precision),
    )


def figures(precision: Precision) -> Sentence:
    """Say how exactly a form measures, in whom, and who says so."""
    sd, reliability, error = map(exact, (precision.sd, precision.reliability, precision.standard_error))
    return Sentence(
        _FIGURES[precision.is_provisional, bool(precision.people)],
        deviation=sd,
        reliability=reliability,
        kind=precision.kind,
        error=error,
        population=precision.population,
        people=precision.people,
        source=precision.source,
    )
