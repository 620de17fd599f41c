"""The reasons that lie outside a patient's own chart: missed forms, the therapist's rating, the early mean."""

from fhir_alliance.instruments.precision import Z95
from fhir_alliance.trajectory.centring import shrunken_mean
from fhir_alliance.trajectory.early import EARLY_VISITS, early_alliance
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.inputs import early_inputs, figures
from fhir_alliance.trajectory.seen import Look, Name, Reason, Seen, exact, span


def missed(seen: Seen) -> Reason | None:
    """Raise when the last two or more visits have no answer; they count as no rating."""
    gaps, running = seen.gaps, seen.gaps.running
    if running < seen.rules.visits_missed:
        return None
    return Reason(
        name=Name.MISSED,
        look=Look.WORTH,
        sentence=f"No answers from the last {running} visits ({span(gaps.since, gaps.last, running)}).",
        inputs=(
            f"Visits without an answer: {gaps.missed} of {gaps.visits}; the last {running} running.",
            "Missed forms are counted as gaps, never as low ratings.",
        ),
        visit=gaps.last,
        facts=(gaps.since, gaps.last, gaps.missed, gaps.visits),
    )


def differing(seen: Seen) -> Reason | None:
    """Raise when the last five visits that both rated all differ by more than error and habit, to the same side.

    Only where both forms have figures that may be used.
    """
    found, known = seen.differing, [each for each in (seen.precision, seen.of_therapist) if each]
    if found is None or found.last is None or found.running < seen.rules.visits_differing:
        return None
    if len(known) < 2 or not all(each.holds_for(validated=seen.validated) for each in known):
        return None
    gap, provisional = found.last, any(each.is_provisional for each in known)
    word = " (provisional)" if provisional else ""
    return Reason(
        name=Name.DIFFERING,
        look=Look.WORTH if provisional else Look.ASK,
        sentence=f"{seen.name}'s rating minus the therapist's is {one_decimal(gap.difference)}; "
        f"{one_decimal(gap.expected)} is usual. More than error explains{word}, at {found.running} visits running.",
        inputs=(
            f"At the last visit that both rated: {exact(gap.difference)}.",
            f"Usual {exact(gap.expected)}: 0.46 × the standard deviation of the patient's form (Igra 2020).",
            f"Raised when it is off that by more than {Z95:.6f} × {exact(gap.error)} = {exact(gap.limit)}.",
            f"{exact(gap.error)} is √(patient's error² + therapist's error²).",
            f"And by at least {exact(gap.least)} points.",
            f"So since visit {found.first_visit}, to one side, at {found.running} visits running that both rated.",
            f"Raised from {seen.rules.visits_differing} of them.",
            f"Patient's form: {figures(known[0])}",
            f"Therapist's form: {figures(known[1])}",
        ),
        visit=seen.visit,
        facts=(found.first_visit or 0, found.running, gap.difference),
    )


def early(seen: Seen) -> Reason | None:
    """Raise when the mean of visits 1 to 4 is low among the site's own, as long as no later visit is rated.

    A mean of few ratings is first drawn towards the site's, by what ratings vary from visit to visit: the less there
    is of it, the less it says of the person.
    """
    if seen.site is None or not seen.ratings or seen.ratings[-1].visit > EARLY_VISITS:
        return None
    found = early_alliance((rating.visit, rating.value) for rating in seen.ratings)
    if found is None or found.is_estimate:
        return None
    site, limit = seen.site, seen.site.mean - seen.rules.early_widths * seen.site.between
    drawn, weight = shrunken_mean(
        found.mean,
        found.ratings,
        of_all=site.mean,
        between_variance=site.between**2,
        within_variance=site.within**2,
    )
    if drawn > limit:
        return None
    return Reason(
        name=Name.EARLY,
        look=Look.WORTH,
        sentence=f"The first {found.ratings} ratings have a mean of {one_decimal(found.mean)}. The first ratings at "
        f"this clinic have a mean of {one_decimal(site.mean)}.",
        inputs=early_inputs(seen, site, found, drawn, weight),
        visit=seen.visit,
        facts=tuple(rating.value for rating in seen.ratings),
    )
