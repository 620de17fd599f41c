"""What of a chart is ours, and whether it still says what was sent; any shape may come, so callers are `foreign`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fhir_alliance.delivery.expected import (
    Expected,
    ExpectedObservation,
    Identifier,
    absent_reason_of,
    identifiers_of,
    labels_of,
    value_of,
)
from fhir_alliance.delivery.outcomes import Stop
from fhir_alliance.delivery.receipts import State
from fhir_alliance.records.corrections import STRUCK
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import PatientShown

Resource = Mapping[str, Any]


def is_patient(patient: Resource, shown: PatientShown) -> bool:
    """Whether a Patient is as shown: active, not merged, and the same person."""
    facts = [(each.id, each.name, each.birth_date, set(each.identifiers)) for each in (read_patient(patient), shown)]
    return patient.get("active", True) is True and not patient.get("link") and facts[0] == facts[1]


def is_response(response: Resource, expected: Expected) -> bool:
    """Whether a QuestionnaireResponse is ours.

    Its identifier may have been dropped: the same form at the same second is ours, or must be looked at.
    """
    if (identifier := _identifier(response)) is not None:
        return identifier == expected.identifier
    same_form = response.get("questionnaire") == expected.questionnaire
    return same_form and datetime.fromisoformat(response["authored"]) == expected.authored


def is_score(observation: Resource, score: Resource) -> bool:
    """Whether an Observation is a score of ours; its identifier may have been dropped, then code and moment tell."""
    if identifiers := identifiers_of(observation):
        return identifiers_of(score)[0] in identifiers
    moments = [datetime.fromisoformat(each["effectiveDateTime"]) for each in (observation, score)]
    return bool(_codes(observation) & _codes(score)) and moments[0] == moments[1]


def standing(copies: Iterable[Resource]) -> list[Resource]:
    """Return which copies of one resource count: all that nobody has marked as entered in error.

    Where all are marked one of them is returned, so that what was taken out is not missed, and not sent again.
    """
    found = list(copies)
    return [each for each in found if each.get("status") != STRUCK] or found[:1]


def compare(
    expected: Expected,
    response: Resource,
    found: Mapping[Identifier, Sequence[Resource]],
    *,
    subject: Callable[[Resource], str],
) -> str | None:
    """Compare a response and all Observations found with what was sent; None when all is well, else an alarm's code.

    `subject` says whom a resource is filed for. Stops as UNKNOWN while something is missing, as HELD when the EHR
    changed the patient or the content.
    """
    pairs = [(each, standing(found.get(each.identifier, []))) for each in expected.observations]
    ours = [response, *(observation for _, several in pairs for observation in several)]
    if any(subject(each) != expected.subject for each in ours):
        raise Stop(State.HELD, "subject-rewritten")
    if _identifier(response) != expected.identifier:
        raise Stop(State.HELD, "identifier-changed")
    if any(len(several) > 1 for _, several in pairs):
        raise Stop(State.HELD, "possible-duplicate")
    if response["status"] != expected.status or any(_changed(each, several) for each, several in pairs):
        raise Stop(State.HELD, "changed-by-ehr")
    if not all(several for _, several in pairs):
        raise Stop(State.UNKNOWN, "not-read-back")
    kept = expected.labels <= labels_of(response) and all(each.labels <= labels_of(one) for each, (one,) in pairs)
    return None if kept else "label-dropped"


def _identifier(response: Resource) -> Identifier | None:
    identifier = response.get("identifier")
    return (identifier.get("system", ""), identifier.get("value", "")) if identifier else None


def _codes(observation: Resource) -> set[tuple[str, str]]:
    return {(each.get("system", ""), each.get("code", "")) for each in observation["code"]["coding"]}


def _changed(expected: ExpectedObservation, found: Sequence[Resource]) -> bool:
    told = expected.status, expected.value, expected.absent_reason
    return any((each["status"], value_of(each), absent_reason_of(each)) != told for each in found)
