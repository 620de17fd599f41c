"""A form that is asked as an SDC Task."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B.task import Task

from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.task import Asked, AskedForm, build_task
from tests.conformance.validating import errors

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = "7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10"
FORM = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core|1.0.0"


def task(**changed: Any) -> dict[str, Any]:
    """Return the Task of a form that is asked of a patient."""
    values: dict[str, Any] = {
        "id": "12",
        "key": "f6b3",
        "patient": "maria",
        "encounter": "Encounter/1",
        "form": FORM,
        "rater": Rater.PATIENT,
        "owner": None,
        "asked": NOON,
        "opens": NOON,
        "closes": NOON + timedelta(hours=48),
        "state": Asked.DUE,
        "response": None,
        "fhir_base": "https://ehr.example.org/fhir",
    }
    return build_task(AskedForm(**{**values, **changed}))


def test_what_a_task_says() -> None:
    """It names the pinned form, the patient as who answers, the visit, and until when it is due."""
    made = task()

    assert made["code"]["coding"][0]["code"] == "complete-questionnaire"
    assert "focus" not in made
    assert (made["for"], made["owner"], made["encounter"]) == (
        {"reference": "Patient/maria"},
        {"reference": "Patient/maria"},
        {"reference": "Encounter/1"},
    )
    assert made["restriction"]["period"]["end"] == "2026-11-26T12:00:00+00:00"
    assert [next(iter(set(each) - {"type"})) for each in made["input"]] == ["valueCanonical", "valueUrl"]
    assert made["input"][0]["valueCanonical"] == FORM
    assert made["requester"]["identifier"]["value"].startswith("fhir-alliance-")
    assert "output" not in made


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (Asked.PLANNED, "draft"),
        (Asked.DUE, "requested"),
        (Asked.BEGUN, "in-progress"),
        (Asked.COMPLETED, "completed"),
        (Asked.DECLINED, "rejected"),
        (Asked.OVERDUE, "failed"),
        (Asked.CANCELLED, "cancelled"),
    ],
)
def test_every_state_is_valid(state: Asked, status: str) -> None:
    """In each state, with a response or without, it is a Task that FHIR allows, and one that ended badly says why."""
    for response in (None, KEY):
        made = task(state=state, response=response)
        Task.model_validate(made)
        assert errors(made) == []
        assert made["status"] == status
        assert ("statusReason" in made) == (status in ("rejected", "failed", "cancelled"))


def test_the_response_is_named_by_its_submission() -> None:
    """The output is known by the identifier that the response has in the EHR and here."""
    (output,) = task(state=Asked.COMPLETED, response=KEY)["output"]

    assert output["type"]["coding"][0]["code"] == "questionnaire-response"
    assert output["valueReference"]["identifier"]["value"] == f"urn:uuid:{KEY}"


def test_a_therapists_form_is_not_the_patients() -> None:
    """Who answers a therapist's form is the therapist, and nobody where none is named; never the patient."""
    assert "owner" not in task(rater=Rater.THERAPIST)
    assert task(rater=Rater.THERAPIST, owner="Practitioner/ada")["owner"] == {"reference": "Practitioner/ada"}
