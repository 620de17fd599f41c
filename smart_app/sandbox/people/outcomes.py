"""PHQ-9 and GAD-7 totals about once a month: what was in the record before anybody measured the alliance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from smart_app.sandbox.people.coding import UCUM, Resource, reference, survey_category
from smart_app.sandbox.people.visits import Visit

_EVERY = 4
_BEFORE_VISIT = timedelta(minutes=-6)
_LOINC = "http://loinc.org"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One outcome measure: its LOINC code and name, its range from 0, and where a course of care begins."""

    id_part: str
    loinc: str
    name: str
    most: int
    at_intake: float


OUTCOMES = (
    Outcome(
        id_part="phq9",
        loinc="44261-6",
        name="Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]",
        most=27,
        at_intake=15.0,
    ),
    Outcome(
        id_part="gad7",
        loinc="70274-6",
        name="Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]",
        most=21,
        at_intake=12.0,
    ),
)


def outcome_observations(visit: Visit) -> Iterator[Resource]:
    """Yield the totals asked for before `visit`: at the first visit and every fourth after it."""
    if (visit.number - 1) % _EVERY == 0 and not visit.today:
        chance = Random(f"outcomes {visit.id}")  # noqa: S311 (made-up data, wanted the same every time)
        yield from (_total(visit, outcome, chance) for outcome in OUTCOMES)


def _total(visit: Visit, outcome: Outcome, chance: Random) -> Resource:
    """Return one total: symptoms ease over the visits, less so where the relationship is under strain."""
    eased = 0.55 * min(1.0, visit.number / 16)
    expected = outcome.at_intake * (1 - eased) - visit.change + chance.gauss(0, 1.5)
    total = min(outcome.most, max(0, round(expected)))
    return {
        "resourceType": "Observation",
        "id": f"{visit.id}-{outcome.id_part}",
        "status": "final",
        "category": survey_category(),
        "code": {"coding": [{"system": _LOINC, "code": outcome.loinc, "display": outcome.name}]},
        "subject": reference("Patient", visit.person.id, visit.person.name),
        "encounter": reference("Encounter", visit.id),
        "effectiveDateTime": (visit.start + _BEFORE_VISIT).isoformat(),
        "issued": (visit.start + _BEFORE_VISIT).isoformat(),
        "performer": [reference("Patient", visit.person.id, visit.person.name)],
        "valueQuantity": {"value": total, "unit": "score", "system": UCUM, "code": "{score}"},
    }
