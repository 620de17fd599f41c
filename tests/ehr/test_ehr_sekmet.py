"""A FHIR server of somebody else, with its own habits: sekmet-fhir on loopback."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.publishing import publish
from fhir_alliance.errors import Conflict, FhirError, PublishConflict
from tests.sekmet import running_sekmet

URL = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core"
PATIENT = "urn:uuid:7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10"
OBSERVATION = "urn:uuid:7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a11"


@pytest.fixture(scope="module")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirClient]:
    """Run the server with an empty store; return a client of it."""
    with running_sekmet(tmp_path_factory.mktemp("sekmet"), validation={"inbound": "off"}) as base:
        yield FhirClient(Door(base_urls=[base], allow_private=True), base, "token")


def form(**changes: Any) -> dict[str, Any]:
    """Return a definition to publish."""
    item = [{"linkId": "1", "text": "Today", "type": "choice"}]
    values = {"resourceType": "Questionnaire", "url": URL, "version": "1.0.0", "status": "active", "item": item}
    return {**values, **changes}


def test_publishing_is_done_once_and_never_changes(sekmet: FhirClient) -> None:
    """A server that ignores `url` and refuses the conditional create still holds each version exactly once."""
    neighbour = sekmet.create(form(url=f"{URL}-other"))

    assert publish(sekmet, form()) == "created"
    assert publish(sekmet, form()) == "unchanged"
    with pytest.raises(PublishConflict):
        publish(sekmet, form(status="draft"))
    assert publish(sekmet, form(version="1.0.1", status="draft")) == "created"

    held = sekmet.search("Questionnaire", [("url", URL)])
    assert held.complete
    assert sorted((one["url"], one["version"]) for one in held.resources) == [
        (URL, "1.0.0"), (URL, "1.0.1"), (f"{URL}-other", "1.0.0"),
    ]  # fmt: skip
    assert neighbour.status == 201


def bundle(*, condition: str | None) -> bytes:
    """Return a transaction with a patient and an Observation about them."""
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": PATIENT},
    }
    given: dict[str, dict[str, Any]] = {PATIENT: {"resourceType": "Patient"}, OBSERVATION: observation}
    entries = [
        {"fullUrl": url, "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for url, one in given.items()
    ]
    if condition:
        entries[1]["request"]["ifNoneExist"] = condition
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def test_a_transaction_says_where_each_entry_went(sekmet: FhirClient) -> None:
    """Its "201 Created" entries are understood, and what was written reads back with its reference resolved."""
    patient, observation = sekmet.transaction(bundle(condition=None))

    assert patient.id
    assert observation.id
    assert (patient.status, observation.status, observation.version) == (201, 201, "1")
    assert sekmet.read("Observation", observation.id)["subject"]["reference"] == f"Patient/{patient.id}"


def test_a_refused_condition_refuses_the_whole_transaction(sekmet: FhirClient) -> None:
    """A condition on a parameter it does not index is a definite no, and nothing is written."""
    before = len(sekmet.search("Patient", []).resources)

    with pytest.raises(FhirError) as caught:
        sekmet.transaction(bundle(condition="method=x"))

    assert caught.value.status == 400
    assert len(sekmet.search("Patient", []).resources) == before


def test_an_update_of_an_old_version_is_a_conflict(sekmet: FhirClient) -> None:
    """If-Match protects what somebody else wrote in between."""
    created = sekmet.create({"resourceType": "Patient"})
    assert created.id
    assert created.version
    resource = sekmet.read("Patient", created.id)

    updated = sekmet.update({**resource, "active": False}, if_match=created.version)

    assert (updated.id, updated.version) == (created.id, "2")
    with pytest.raises(Conflict):
        sekmet.update({**resource, "active": True}, if_match=created.version)


def test_pages_are_followed(sekmet: FhirClient) -> None:
    """Its pages of twenty are read to the end."""
    for _ in range(45):
        sekmet.create({"resourceType": "Practitioner"})

    result = sekmet.search("Practitioner", [])

    assert (len(result.resources), result.complete) == (45, True)
