"""The reasons that lie outside a patient's own chart: missed forms, the therapist's rating, the early mean."""

from collections.abc import Mapping
from typing import Final

from fhir_alliance.instruments.precision import Z95
from fhir_alliance.sentences import Number, Sentence, marked
from fhir_alliance.trajectory.agreement import EXPECTED, Gap
from fhir_alliance.trajectory.centring import shrunken_mean
from fhir_alliance.trajectory.early import EARLY_VISITS, early_alliance
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.inputs import early_inputs, figures
from fhir_alliance.trajectory.seen import Look, Name, Reason, Seen, exact, span

# By the side on which the patient rated: -1 for lower, 1 for higher.
_RATED: Final[Mapping[int, str]] = {
    -1: marked("%(name)s rated %(points)s below the therapist; %(expected)s above is usual."),
    0: marked("%(name)s rated as the therapist did; %(expected)s above is usual."),
    1: marked("%(name)s rated %(points)s above the therapist; %(expected)s above is usual."),
}
# By whether the figures are provisional.
_DIFFERING: Final[Mapping[bool, str]] = {
    False: marked("%(rated)s So at the last %(number)s visits that both rated, by more than error explains."),
    True: marked(
        "%(rated)s So at the last %(number)s visits that both rated, by more than error explains (provisional)."
    ),
}


def missed(seen: Seen) -> Reason | None:
    """Raise when the last two or more visits have no answer; they count as no rating."""
    gaps, running = seen.gaps, seen.gaps.running
    if running < seen.rules.visits_missed:
        return None
    return Reason(
        name=Name.MISSED,
        look=Look.WORTH,
        sentence=Sentence(
            "No answers from the last %(number)s visits (%(visits)s).",
            number=running,
            visits=span(gaps.since, gaps.last, running),
        ),
        inputs=(
            Sentence(
                "Visits without an answer: %(missed)s of %(visits)s; the last %(number)s running.",
                missed=gaps.missed,
                visits=gaps.visits,
                number=running,
            ),
            Sentence("Missed forms are counted as gaps, never as low ratings."),
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
    return Reason(
        name=Name.DIFFERING,
        look=Look.WORTH if provisional else Look.ASK,
        sentence=Sentence(_DIFFERING[provisional], rated=_rated(seen.name, gap), number=found.running),
        inputs=(
            Sentence(
                "At the last visit that both rated, the patient's rating minus the therapist's: %(difference)s.",
                difference=exact(gap.difference),
            ),
            Sentence(
                "Usual %(expected)s: %(share)s × the standard deviation of the patient's form (Igra 2020).",
                expected=exact(gap.expected),
                share=exact(EXPECTED),
            ),
            Sentence(
                "Raised when it is off that by more than %(z)s × %(error)s = %(limit)s.",
                z=Number(f"{Z95:.6f}"),
                error=exact(gap.error),
                limit=exact(gap.limit),
            ),
            Sentence("%(error)s is √(patient's error² + therapist's error²).", error=exact(gap.error)),
            Sentence("And by at least %(points)s points.", points=exact(gap.least)),
            Sentence(
                "So since visit %(first)s, to one side, at the last %(number)s visits that both rated.",
                first=found.first_visit,
                number=found.running,
            ),
            Sentence("Raised from %(number)s of them.", number=seen.rules.visits_differing),
            Sentence("Patient's form: %(figures)s", figures=figures(known[0])),
            Sentence("Therapist's form: %(figures)s", figures=figures(known[1])),
        ),
        visit=seen.visit,
        facts=(found.first_visit or 0, found.running, gap.difference),
    )


def _rated(name: str, gap: Gap) -> Sentence:
    """Return on which side of the therapist the patient rated, as far as one decimal shows it."""
    points = one_decimal(abs(gap.difference))
    side = 0 if not float(points) else 1 if gap.difference > 0 else -1
    return Sentence(_RATED[side], name=name, points=points, expected=one_decimal(gap.expected))


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
        sentence=Sentence(
            "The first %(number)s ratings have a mean of %(mean)s. The first ratings at this clinic have a mean of "
            "%(usual)s.",
            number=found.ratings,
            mean=one_decimal(found.mean),
            usual=one_decimal(site.mean),
        ),
        inputs=early_inputs(seen, site, found, drawn, weight),
        visit=seen.visit,
        facts=tuple(rating.value for rating in seen.ratings),
    )
