"""What may be stored: strict JSON, required elements, references that exist, ids."""

from typing import Any

import pytest

from .conftest import Caller, problem
from .samples import BASE, observation


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"resourceType": "Patient", "x": NaN}', 400),
        (b'{"resourceType": "Patient", "id": "a", "id": "b"}', 400),
        (b'{"resourceType": "Patient", "name": [{"text": "a", "text": "b"}]}', 400),
        (b'{"resourceType": "Patient", "x": ' + b"[" * 64 + b"1" + b"]" * 64 + b"}", 400),
        (b'{"resourceType": "Patient", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b'{"resourceType": "Patient", "x": "\\ud800"}', 400),
        (b'{"resourceType": "Patient", "name": []}', 400),
        (b'{"resourceType": "Patient", "gender": ""}', 400),
        (b'{"resourceType": "Patient", "gender": null}', 400),
        (b"\xff", 400),
        (b"", 400),
        (b'{"active": true}', 422),
        (b'{"resourceType": "Observation"}', 422),
        (b'{"resourceType": "Patient", "meta": 1}', 422),
        (b'{"resourceType": "Patient", "birthDate": "yesterday"}', 422),
        (b'{"resourceType": "Patient", "identifier": [{"system": {"a": 1}, "value": "1"}]}', 422),
        (b'{"resourceType": "Patient", "identifier": [{"coding": 7}]}', 422),
    ],
)
def test_bad_body_is_refused(ehr: Caller, body: bytes, status: int) -> None:
    """What is not strict FHIR JSON is 400, a resource that cannot be a Patient 422."""
    response = ehr.post("/Patient", body)

    assert problem(response)[0] == status


def test_depth_of_64_is_accepted(ehr: Caller) -> None:
    """Nesting up to the limit is fine."""
    body = b'{"resourceType": "Patient", "x": ' + b"[" * 63 + b"1" + b"]" * 63 + b"}"

    assert ehr.post("/Patient", body).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"status": None},
        {"status": "nope"},
        {"status": ["final"]},
        {"code": None},
        {"subject": None},
        {"subject": {"reference": "Patient/nobody"}},
        {"subject": {"reference": f"{BASE}/Patient/nobody"}},
        {"subject": {"reference": "http://elsewhere.example.invalid/fhir/Patient/ada"}},
        {"subject": {"reference": "urn:uuid:0b6ee1b6-1f0f-4ac7-8f5e-0d8b8f0b2c11"}},
        {"encounter": {"reference": "Encounter/none"}},
        {"derivedFrom": [{"reference": "urn:uuid:0b6ee1b6-1f0f-4ac7-8f5e-0d8b8f0b2c11"}]},
        {"dataAbsentReason": {"coding": [{"code": "unknown"}]}},
        {"subject": {"reference": 5}},
        {"subject": "Patient/ada"},
    ],
)
def test_bad_observation_is_refused(ehr: Caller, changes: dict[str, Any]) -> None:
    """An Observation without its required elements, with obs-6 broken or pointing nowhere is 422 and not stored."""
    response = ehr.post("/Observation", observation(**changes))

    assert response.status_code == 422
    assert response.json["resourceType"] == "OperationOutcome"
    assert ehr.ids("/Observation") == []


@pytest.mark.parametrize("resource_type", ["Questionnaire", "QuestionnaireResponse", "Encounter", "Task"])
def test_required_elements(ehr: Caller, resource_type: str) -> None:
    """Other types need what R4 makes mandatory, and the outcome names the element."""
    response = ehr.post(f"/{resource_type}", {"resourceType": resource_type})

    assert problem(response) == (422, "processing")
    assert response.json["issue"][0]["expression"] == [f"{resource_type}.status"]


def test_references_to_this_server_may_be_absolute_or_contained(ehr: Caller) -> None:
    """An absolute reference below the own base is found like a relative one; a contained patient is allowed."""
    absolute = ehr.post("/Observation", observation(subject={"reference": f"{BASE}/Patient/ada"}))
    contained = ehr.post(
        "/Observation", observation(subject={"reference": "#me"}, contained=[{"resourceType": "Patient"}])
    )

    assert contained.status_code == 201
    assert ehr.ids("/Observation?patient=ada") == [absolute.json["id"]]


def test_elements_without_a_code_are_kept(ehr: Caller) -> None:
    """A category in words and a performer known by identifier only are stored, and found by nothing."""
    sent = observation(category=[{"text": "survey"}], performer=[{"identifier": {"value": "7"}}])

    created = ehr.post("/Observation", sent)

    assert created.json["performer"] == sent["performer"]
    assert ehr.ids("/Observation?category=survey") == []


@pytest.mark.parametrize(
    ("path", "resource", "status"),
    [
        ("/Patient/ada", {"resourceType": "Patient", "id": "bo"}, 400),
        ("/Patient/ada", {"resourceType": "Patient"}, 400),
        ("/Patient/ada", {"resourceType": "Patient", "id": "a/b"}, 422),
        ("/Patient/..", {"resourceType": "Patient", "id": ".."}, 422),
        ("/Patient/a_b", {"resourceType": "Patient", "id": "a_b"}, 422),
        ("/Patient/" + "a" * 65, {"resourceType": "Patient", "id": "a" * 65}, 422),
        ("/Patient/ada", {"resourceType": "Practitioner", "id": "ada"}, 422),
    ],
)
def test_bad_update_is_refused(ehr: Caller, path: str, resource: dict[str, Any], status: int) -> None:
    """The body must be the resource that the URL names, with an id FHIR allows."""
    assert problem(ehr.put(path, resource))[0] == status
