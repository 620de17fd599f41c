"""What a reason opens to: every number and formula that it takes to check it by hand, in sentences."""

from collections.abc import Sequence
from decimal import Decimal

from fhir_alliance.instruments.precision import Z95, Precision
from fhir_alliance.trajectory.control import Baseline
from fhir_alliance.trajectory.early import EarlyAlliance
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.ruptures import Episode
from fhir_alliance.trajectory.seen import Seen, SiteFigures, exact, listed
from fhir_alliance.trajectory.series import Rating
from fhir_alliance.trajectory.slide import WeightedMean
from fhir_alliance.trajectory.usual import usual_range


def baseline_inputs(seen: Seen, base: Baseline) -> tuple[str, ...]:
    """Return what the person's own first ratings give."""
    first = seen.ratings[: len(seen.course.chart.first)]
    usual = usual_range(first, seen.scale)
    said = (
        f"First ratings: {listed(first)}; mean {exact(base.centre)}.",
        f"Sigma {exact(base.sigma)}: mean step between these / 1.128, at least {exact(seen.course.chart.floor)}.",
    )
    if usual is None:
        return said
    return (*said, f"Limits {one_decimal(usual.low)}–{one_decimal(usual.high)}: mean ± 2 sigmas, within the scale.")


def low_inputs(seen: Seen, base: Baseline, two: Sequence[Rating]) -> tuple[str, ...]:
    """Return the last two ratings and what both had to lie under."""
    widths = seen.rules.low_widths
    return (
        f"Last two ratings: {listed(two)}.",
        f"Both at or under {exact(base.below(widths))}: {exact(widths)} sigmas below the mean.",
    )


def slide_inputs(seen: Seen, slid: WeightedMean, mean: Decimal) -> tuple[str, ...]:
    """Return all ratings, and how the weighted mean and its limit come out of them."""
    weight, kept, widths = exact(slid.weight), exact(1 - slid.weight), exact(seen.rules.slide_widths)
    share = f"{weight} / {exact(2 - slid.weight)} × (1 − {kept}^{2 * len(seen.ratings)})"
    points, limit = exact(seen.share(seen.rules.slide_share)), exact(slid.limit(seen.rules.slide_widths))
    return (
        f"All ratings: {listed(seen.ratings)}.",
        f"Weighted mean: from {exact(slid.base.centre)}, for each rating {weight} × rating + {kept} × mean before.",
        f"Now {exact(mean)}; limit: mean − {widths} × sigma × √({share}) = {limit}.",
        f"And at least {points} points below the mean.",
    )


def rupture_inputs(seen: Seen, episode: Episode, depth: Decimal) -> tuple[str, ...]:
    """Return the fall, its threshold and what it had to reach."""
    opened, lowest = (seen.ratings[number - 1].visit for number in (episode.opened, episode.lowest))
    rules, threshold = seen.rules, exact(episode.threshold)
    widths, least = exact(rules.rupture_widths), exact(rules.rupture_times * episode.threshold)
    between, share = exact(seen.course.marked.yardstick.between), exact(seen.share(rules.rupture_share))
    return (
        f"All ratings: {listed(seen.ratings)}.",
        (
            f"Highest of the 6 ratings before visit {opened}: {exact(episode.reference)}; lowest since: "
            f"{exact(episode.trough)}, at visit {lowest}; fall {exact(episode.drop)}."
        ),
        f"Marked from {threshold}: 2 × the larger of {between} and the standard deviation of the changes before.",
        f"Raised from {exact(rules.rupture_times)} × {threshold} = {least}.",
        f"And the lowest at least {exact(depth)} below the mean: {widths} sigmas and {share} points.",
        f"It has come back when a rating is {threshold} above the lowest.",
    )


def early_inputs(
    seen: Seen, site: SiteFigures, found: EarlyAlliance, drawn: Decimal, weight: Decimal
) -> tuple[str, ...]:
    """Return the early ratings, the clinic's, and how their mean comes out of both."""
    mean, of_site, between, within = map(exact, (found.mean, site.mean, site.between, site.within))
    widths = exact(seen.rules.early_widths)
    limit = exact(site.mean - seen.rules.early_widths * site.between)
    return (
        f"Ratings of visits 1–4: {listed(seen.ratings)}; mean {mean}.",
        (
            f"Clinic: mean {of_site}, standard deviation {between} between people and {within} from visit to visit; "
            f"{site.people} people; {site.source}."
        ),
        f"Drawn towards the clinic's mean: {of_site} + {exact(weight)} × ({mean} − {of_site}) = {exact(drawn)}.",
        f"{exact(weight)} is {between}² / ({between}² + {within}² / {found.ratings}).",
        f"Raised at or under {limit}: {of_site} − {widths} × {between}.",
    )


def precision_inputs(precision: Precision) -> tuple[str, ...]:
    """Return the reliable change and where its figures come from."""
    sd, reliability, least = map(exact, (precision.sd, precision.reliability, precision.reliable_difference))
    return (
        f"Both below the mean by more than {least}: {Z95:.6f} × √2 × {sd} × √(1 − {reliability}).",
        figures(precision),
    )


def figures(precision: Precision) -> str:
    """Say how exactly a form measures, in whom, and who says so."""
    sd, reliability, error = map(exact, (precision.sd, precision.reliability, precision.standard_error))
    people = f", {precision.people} people" if precision.people else ""
    provisional = ", provisional, computed from figures of other people" if precision.is_provisional else ""
    return (
        f"Standard deviation {sd}, reliability {reliability} ({precision.kind}), so an error of {error}{provisional}; "
        f"{precision.population}{people}; {precision.source}."
    )
