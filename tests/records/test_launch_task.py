"""The Task that launches the app: valid against FHIR and the two profiles, and silent about the form's content."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from fhir.resources.R4B.task import Task

from fhir_alliance.records.launch_task import LaunchKind, LaunchOrder, launch_task
from fhir_alliance.terms import SMART, SMART_CODES
from tests.conformance.validating import changed, errors

NOW = datetime(2026, 11, 24, 9, 30, 12, 345, tzinfo=timezone(timedelta(hours=-5)))
ORDER = LaunchOrder(
    key="4d1b1a4e-9b7e-4f52-8a50-2c7f4a8f3a11",
    patient="Patient/maria",
    encounter="Encounter/v14",
    owner="Practitioner/ada",
    application="https://app.example.invalid/launch",
    app_context="alliance.c2VhbGVk",
    title="Visit check-in (therapist)",
    authored=NOW,
    until=NOW + timedelta(days=7),
)
Change = Callable[[dict[str, Any]], dict[str, Any]]


def profile(kind: LaunchKind) -> dict[str, Any]:
    """Return one of the two profiles of SMART App Launch 2.2, as its page words it."""
    name, code, _ = kind.value
    slices = {
        "launchurl": ("smartonfhir-application", "url", 1),
        "launchcontext": ("smartonfhir-appcontext", "string", 0),
    }
    inputs = [
        each
        for part, (told, value, least) in slices.items()
        for each in (
            {"id": f"Task.input:{part}", "path": "Task.input", "sliceName": part, "min": least, "max": "1"},
            {"id": f"Task.input:{part}.type", "path": "Task.input.type", "patternCodeableConcept": _pattern(told)},
            {"id": f"Task.input:{part}.value[x]", "path": "Task.input.value[x]", "type": [{"code": value}]},
        )
    ]
    slicing = {"discriminator": [{"type": "value", "path": "type"}], "rules": "open"}
    return {
        "resourceType": "StructureDefinition",
        "url": f"{SMART}/StructureDefinition/{name}",
        "name": "TaskLaunch",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Task",
        "fhirVersion": "4.0.1",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Task",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": "Task", "path": "Task"},
                {"id": "Task.code", "path": "Task.code", "min": 1, "patternCodeableConcept": _pattern(code)},
                {"id": "Task.input", "path": "Task.input", "slicing": slicing, "min": 1},
                *inputs,
            ]
        },
    }


def _pattern(code: str) -> dict[str, Any]:
    return {"coding": [{"system": SMART_CODES, "code": code}]}


@pytest.mark.parametrize("kind", LaunchKind)
def test_it_is_valid(kind: LaunchKind) -> None:
    """Our own validator and an independent model have nothing against it, by FHIR and by its profile."""
    task = launch_task(ORDER, kind)

    assert errors(task, profile(kind)) == []
    assert Task.model_validate(task).get_resource_type() == "Task"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("code", "coding", 0, "code"), "launch-app-standalone"),
        (("input", 0), None),
        (("input", 1, "type", "coding", 0, "code"), "smartonfhir-application"),
        (("status",), None),
        (("status",), "due"),
    ],
)
def test_what_the_profile_does_not_allow_is_found(path: tuple[str | int, ...], value: object) -> None:
    """The check above can fail: another code, no address, two addresses, or no such status are errors."""
    task = changed(launch_task(ORDER, LaunchKind.EHR), path, value)

    assert errors(task, profile(LaunchKind.EHR)) != []


def test_it_opens_the_app_with_the_sealed_context_only() -> None:
    """Address and token stand in their inputs; which form it is stands nowhere else but in the title."""
    task = launch_task(ORDER, LaunchKind.EHR)

    given = {each["type"]["coding"][0]["code"]: each for each in task["input"]}
    assert given["smartonfhir-application"]["valueUrl"] == ORDER.application
    assert given["smartonfhir-appcontext"]["valueString"] == ORDER.app_context
    assert "Questionnaire" not in str(task)


def test_the_same_order_is_the_same_task() -> None:
    """A repeat has the identifier of the first, so that an EHR can tell it; another assignment has another."""
    first, again = (launch_task(ORDER, LaunchKind.EHR)["identifier"] for _ in range(2))
    other = launch_task(replace(ORDER, key="other"), LaunchKind.EHR)["identifier"]

    assert first == again
    assert first != other


def test_times_have_their_offset() -> None:
    """What is due until when is an instant, to the second."""
    task = launch_task(ORDER, LaunchKind.STANDALONE)

    assert task["authoredOn"] == "2026-11-24T09:30:12-05:00"
    assert task["restriction"]["period"]["end"] == "2026-12-01T09:30:12-05:00"
