"""The reasons that the patient's own ratings give: low, fallen, sliding, ruptured."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from fhir_alliance.instruments.precision import Precision
from fhir_alliance.sentences import Sentence, marked
from fhir_alliance.trajectory.control import Baseline
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.inputs import baseline_inputs, low_inputs, precision_inputs, rupture_inputs, slide_inputs
from fhir_alliance.trajectory.ruptures import Ending
from fhir_alliance.trajectory.seen import Look, Name, Reason, Seen, span
from fhir_alliance.trajectory.series import Rating
from fhir_alliance.trajectory.usual import usual_range

# By whether the fall was lowest where it began, and whether it may yet come back.
_FELL: Final[Mapping[tuple[bool, bool], str]] = {
    (True, True): marked("Fell from %(highest)s to %(trough)s (visit %(opened)s) and has not come back yet."),
    (False, True): marked(
        "Fell from %(highest)s to %(trough)s (visit %(opened)s, lowest at visit %(lowest)s) and has not come back yet."
    ),
    (True, False): marked(
        "Fell from %(highest)s to %(trough)s (visit %(opened)s) and did not come back in 5 answered visits."
    ),
    (False, False): marked(
        "Fell from %(highest)s to %(trough)s (visit %(opened)s, lowest at visit %(lowest)s) and did not come back in "
        "5 answered visits."
    ),
}


def low(seen: Seen) -> Reason | None:
    """Raise when the last two ratings both lie far under the usual range of the first five.

    It is a reliable fall when both lie under the mean of the first five by more than a reliable change, which for one
    rating against a mean of five asks too much rather than too little.
    """
    base = seen.course.chart.against
    usual = usual_range(seen.ratings[:-1], seen.scale) if _are_low(seen) else None
    if base is None or usual is None:
        return None
    two = seen.ratings[-2:]
    visits = span(two[0].visit, two[1].visit, 2)
    values = {"below": one_decimal(usual.low - two[-1].value), "baseline": seen.baseline, "visits": visits}
    said = Sentence(
        "The last 2 answered visits (%(visits)s) lie below the usual range of visits %(baseline)s, the last one by "
        "%(below)s.",
        **values,
    )
    inputs = (*baseline_inputs(seen, base), *low_inputs(seen, base, two))
    precision = _exceeded(seen, base, two)
    rated = [*seen.course.chart.first, *(rating.value for rating in two)]
    if precision is None:
        return _reason(seen, Name.LOW, Look.WORTH, said, inputs, rated)
    look, told = Look.ASK, Sentence("%(fall)s More than the error of measurement.", fall=said)
    if precision.is_provisional:
        look, told = Look.WORTH, Sentence("%(fall)s More than the error of measurement (provisional).", fall=said)
    return _reason(seen, Name.FALL, look, told, (*inputs, *precision_inputs(precision)), rated)


def slide(seen: Seen) -> Reason | None:
    """Raise when the weighted mean of all ratings lies far under the mean of the first five, and no pair of them does.

    Where the last two ratings are low, one reason is enough.
    """
    slid, rules = seen.course.slide, seen.rules
    if slid is None or slid.mean is None or seen.course.standing is None or _are_low(seen):
        return None
    below = slid.base.centre - slid.mean
    if not slid.is_low(rules.slide_widths) or below < seen.share(rules.slide_share):
        return None
    said = Sentence(
        "The weighted mean of all answered visits is %(below)s below the mean of visits %(baseline)s.",
        below=one_decimal(below),
        baseline=seen.baseline,
    )
    inputs = (*baseline_inputs(seen, slid.base), *slide_inputs(seen, slid, slid.mean))
    return _reason(seen, Name.SLIDE, Look.WORTH, said, inputs, [rating.value for rating in seen.ratings])


def rupture(seen: Seen) -> Reason | None:
    """Raise for a marked rupture that is large, and open or just found unrepaired; a possible one is only drawn."""
    episode, base, rules = seen.course.marked.episode, seen.course.chart.base, seen.rules
    if episode is None or base is None or not seen.course.chart.is_settled or not base.sigma:
        return None
    depth = max(rules.rupture_widths * base.sigma, seen.share(rules.rupture_share))
    is_back = episode.ending in (Ending.REPAIRED, Ending.FULLY)
    is_small = episode.drop < rules.rupture_times * episode.threshold or base.centre - episode.trough < depth
    if is_back or is_small:
        return None
    opened, lowest = (seen.ratings[number - 1].visit for number in (episode.opened, episode.lowest))
    pattern = _FELL[opened == lowest, episode.ending is Ending.OPEN]
    highest, trough = one_decimal(episode.reference), one_decimal(episode.trough)
    said = Sentence(pattern, highest=highest, trough=trough, opened=opened, lowest=lowest)
    inputs = (*rupture_inputs(seen, episode, depth), *baseline_inputs(seen, base))
    facts = (*seen.course.chart.first, episode.reference, episode.trough, episode.threshold)
    return _reason(seen, Name.RUPTURE, Look.ASK, said, inputs, facts)


def _are_low(seen: Seen) -> bool:
    return all(each and each.widths >= seen.rules.low_widths for each in (seen.course.standing, seen.course.before))


def _exceeded(seen: Seen, base: Baseline, two: Sequence[Rating]) -> Precision | None:
    """Return the figures whose reliable change both ratings exceed; None when they do not, or none may be used."""
    precision = seen.precision
    if precision is None or not precision.holds_for(validated=seen.validated):
        return None
    falls = (base.centre - rating.value for rating in two)
    return precision if all(fall > precision.reliable_difference for fall in falls) else None


def _reason(
    seen: Seen, name: Name, look: Look, sentence: Sentence, inputs: tuple[Sentence, ...], facts: Sequence[Decimal]
) -> Reason:
    visit = seen.ratings[-1].visit
    return Reason(name=name, look=look, sentence=sentence, inputs=inputs, visit=visit, facts=tuple(facts))
