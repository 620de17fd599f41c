"""Named reasons to look at a course: no probability, no ranking, each with all that it takes to check it by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fhir_alliance.sentences import Sentence
from fhir_alliance.trajectory.other_reasons import differing, early, missed
from fhir_alliance.trajectory.rating_reasons import low, rupture, slide
from fhir_alliance.trajectory.rules import FEWEST_ITEMS
from fhir_alliance.trajectory.seen import Look, Reason, Seen

# In the order in which they are shown, which is the order of time and says nothing of weight.
_RULES: Final[tuple[Callable[[Seen], Reason | None], ...]] = (early, low, slide, rupture, differing, missed)


def reasons_of(seen: Seen) -> tuple[Reason, ...]:
    """Return the reasons that a series gives now; none for a domain of one or two items.

    The rules follow reference 5.7; their parameters keep the alarm budget of docs/reasons.md. An instrument that is not
    validated raises "worth a look" at most.
    """
    if not seen.scale.calculation and len(seen.scale.items) < FEWEST_ITEMS:
        return ()
    found = (rule(seen) for rule in _RULES)
    return tuple(_finished(reason, seen) for reason in found if reason)


def _finished(reason: Reason, seen: Seen) -> Reason:
    rule = Sentence(
        "Rule: %(rule)s, rule set v%(version)s; %(score)s.",
        rule=reason.name,
        version=seen.rules.version,
        score=seen.scale.title,
    )
    look = reason.look if seen.validated else Look.WORTH
    return replace(reason, look=look, inputs=(rule, *reason.inputs))
