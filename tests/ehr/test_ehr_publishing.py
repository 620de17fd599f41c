"""Publishing: a version is written once, on servers that search well, badly or not at all."""

from typing import Any

import pytest

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.publishing import publish
from fhir_alliance.errors import EhrError, EhrUnreachable, FhirError, PublishConflict, SignInNeeded

URL = "https://fhir-alliance.org/fhir/Questionnaire/visit-check-in-patient-core"
FORM = {
    "resourceType": "Questionnaire",
    "id": "visit-check-in-patient-core",
    "url": URL,
    "version": "1.0.0",
    "status": "active",
    "item": [{"linkId": "1", "type": "choice", "extension": [], "initial": [{"valueDecimal": 1.0}]}],
}
AS_SERVED = {
    "resourceType": "Questionnaire",
    "id": "17",
    "meta": {"versionId": "1"},
    "text": {"status": "generated"},
    "url": URL,
    "version": "1.0.0",
    "status": "active",
    "subjectType": [],
    "item": [{"linkId": "1", "type": "choice", "initial": [{"valueDecimal": 1}]}],
}
PATH = "/fhir/Questionnaire"
OTHERS = [
    {**AS_SERVED, "id": "1", "url": f"{URL}x"},
    {**AS_SERVED, "id": "2", "version": "0.9.0", "status": "retired"},
    {"resourceType": "Questionnaire", "id": "3"},
]


def found(*resources: dict[str, Any], next_url: str | None = None) -> dict[str, Any]:
    """Return a search result."""
    links = [{"relation": "next", "url": next_url}] if next_url else []
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": links}


def writes(server: Any) -> list[str | None]:
    """Return the condition of each create that was sent."""
    return [seen.headers.get("if-none-exist") for seen in server.seen if seen.method == "POST"]


CONDITION = f"url={URL}&version=1.0.0"


def test_what_is_absent_is_created(server: Any, client: FhirClient) -> None:
    """Nothing with this url and version: it is created on the condition that there is none."""
    server.on("GET", PATH, found(*OTHERS))
    server.on("POST", PATH, b"", status=201, Location="Questionnaire/9")

    assert publish(client, FORM) == "created"

    assert (
        server.seen[0].query
        == "url=https%3A%2F%2Ffhir-alliance.org%2Ffhir%2FQuestionnaire%2Fvisit-check-in-patient-core"
    )
    assert writes(server) == [CONDITION]


def test_what_is_there_is_left_alone(server: Any, client: FhirClient) -> None:
    """Equal content, but for what servers add or drop, means that nothing is written."""
    server.on("GET", PATH, found(*OTHERS, AS_SERVED))

    assert publish(client, FORM) == "unchanged"

    assert writes(server) == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": "draft"},
        {"title": "x"},
        {"item": []},
        {"item": [{"linkId": "1", "type": "choice"}]},
        {"experimental": False},
    ],
)
def test_other_content_of_the_same_version_is_refused(server: Any, client: FhirClient, change: dict[str, Any]) -> None:
    """A published version is immutable, also when an equal one lies beside the other."""
    server.on("GET", PATH, found(AS_SERVED, {**AS_SERVED, "id": "18", **change}))

    with pytest.raises(PublishConflict):
        publish(client, FORM)

    assert writes(server) == []


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_a_server_that_refuses_the_search_parameter_is_asked_for_all(
    server: Any, client: FhirClient, status: int
) -> None:
    """When url cannot be searched for, everything is read and compared by us."""
    server.on("GET", PATH, b"", status=status)
    server.on("GET", PATH, found(*OTHERS, AS_SERVED))

    assert publish(client, FORM) == "unchanged"

    assert server.seen[1].query == ""


@pytest.mark.parametrize("status", [400, 405, 412, 422, 501])
def test_a_server_that_refuses_conditional_create_gets_a_plain_one(
    server: Any, client: FhirClient, status: int
) -> None:
    """The condition is dropped after another look has found nothing."""
    server.on("GET", PATH, found())
    server.on("POST", PATH, b"", status=status)
    server.on("POST", PATH, b"", status=201)

    assert publish(client, FORM) == "created"

    assert writes(server) == [CONDITION, None]


def test_a_server_that_matches_the_condition_wrongly_still_gets_the_form(server: Any, client: FhirClient) -> None:
    """A 200 for some other resource is not taken for ours."""
    server.on("GET", PATH, found(*OTHERS))
    server.on("POST", PATH, OTHERS[0], status=200)
    server.on("POST", PATH, b"", status=201)

    assert publish(client, FORM) == "created"

    assert writes(server) == [CONDITION, None]


def test_somebody_else_may_publish_at_the_same_time(server: Any, client: FhirClient) -> None:
    """When the same content appeared meanwhile it is fine; other content is a conflict."""
    for _ in range(2):
        server.on("GET", PATH, found())
        server.on("GET", PATH, found(AS_SERVED))
    server.on("GET", PATH, found())
    server.on("GET", PATH, found({**AS_SERVED, "status": "draft"}))
    server.on("POST", PATH, b"", status=200, Location="Questionnaire/17")

    assert publish(client, FORM) == "unchanged"
    assert publish(client, FORM) == "unchanged"
    with pytest.raises(PublishConflict):
        publish(client, FORM)

    assert writes(server) == [CONDITION] * 3


def test_too_many_definitions_to_tell(server: Any, client: FhirClient) -> None:
    """A search that is not complete and did not find it does not count as absent."""
    server.on("GET", PATH, found(next_url="https://elsewhere.example.invalid/x"))

    with pytest.raises(EhrError, match="too many"):
        publish(client, FORM)

    assert writes(server) == []


def test_an_incomplete_search_that_found_it_will_do(server: Any, client: FhirClient) -> None:
    """When it is among what was read, the rest does not matter."""
    server.on("GET", PATH, found(AS_SERVED, next_url="https://elsewhere.example.invalid/x"))

    assert publish(client, FORM) == "unchanged"


@pytest.mark.parametrize(("status", "kind"), [(401, SignInNeeded), (403, FhirError), (500, FhirError)])
def test_other_refusals_are_told(server: Any, client: FhirClient, status: int, kind: type[FhirError]) -> None:
    """Missing rights and failures are no reason to try something else."""
    server.on("GET", PATH, b"", status=status)
    server.on("GET", PATH, found())
    server.on("POST", PATH, b"", status=status)

    for _ in range(2):
        with pytest.raises(kind):
            publish(client, FORM)

    assert len(writes(server)) == 1


def test_an_unknown_outcome_is_told(server: Any, client: FhirClient) -> None:
    """A create without a usable answer is not repeated."""
    server.on("GET", PATH, found())
    server.on("POST", PATH, b"<html></html>", status=201)

    with pytest.raises(EhrUnreachable):
        publish(client, FORM)

    assert len(writes(server)) == 1
