"""Transactions: all entries or none, with references between them."""

from typing import Any

import pytest

from .conftest import Caller, problem
from .samples import ALLIANCE, BASE, answers, bundle, entry, observation

RESPONSE = "urn:uuid:11111111-1111-4111-8111-111111111111"
SCORE = "urn:uuid:22222222-2222-4222-8222-222222222222"


def visit(**score: Any) -> dict[str, Any]:
    """Return a transaction as an app writes it after a visit: the panel first, what it points to after it."""
    panel = observation(valueQuantity=None, hasMember=[{"reference": SCORE}], derivedFrom=[{"reference": RESPONSE}])
    return bundle(
        "transaction",
        entry("POST", "Observation", panel),
        entry("POST", "Observation", observation(derivedFrom=[{"reference": RESPONSE}], **score), SCORE),
        entry("POST", "QuestionnaireResponse", answers(), RESPONSE, ifNoneExist="identifier=urn:s|1"),
    )


def test_transaction_resolves_its_own_references(ehr: Caller) -> None:
    """Entries may point to each other in any order; the stored references are those of the stored resources."""
    response = ehr.post("", visit())

    replies = [entry["response"] for entry in response.json["entry"]]
    panel, score, form = (reply["location"].split("/")[-3] for reply in replies)
    assert response.json["type"] == "transaction-response"
    assert {reply["status"] for reply in replies} == {"201 Created"}
    assert {reply["etag"] for reply in replies} == {'W/"1"'}
    assert replies[0]["location"] == f"{BASE}/Observation/{panel}/_history/1"
    assert replies[0]["lastModified"] == ehr.get(f"/Observation/{panel}").json["meta"]["lastUpdated"]
    assert ehr.get(f"/Observation/{panel}").json["hasMember"] == [{"reference": f"Observation/{score}"}]
    assert ehr.ids(f"/Observation?derived-from=QuestionnaireResponse/{form}&_sort=date") == [panel, score]


def test_failed_transaction_leaves_nothing(ehr: Caller) -> None:
    """One bad entry undoes all of them, and the outcome names it."""
    response = ehr.post("", visit(status="nope"))

    assert problem(response) == (422, "processing")
    assert response.json["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert ehr.ids("/Observation") == []
    assert ehr.ids("/QuestionnaireResponse") == []


@pytest.mark.parametrize(
    "bad",
    [
        entry("POST", "Observation", observation(subject={"reference": "Patient/nobody"})),
        entry("POST", "Observation", observation(derivedFrom=[{"reference": SCORE}])),
        entry("PUT", "Patient/ada", {"resourceType": "Patient", "id": "ada"}, ifMatch='W/"7"'),
        entry("GET", "Patient/nobody"),
        entry("DELETE", "Patient/ada"),
        entry("POST", "Starship", {"resourceType": "Starship"}),
        entry("POST", "Observation"),
        entry("POST", "Observation", [1]),
        entry("PUT", "Patient?name=ada", {"resourceType": "Patient"}),
        {"resource": answers()},
        {"request": {"method": "GET", "url": 7}},
        {"request": {"method": "GET"}},
    ],
)
def test_every_kind_of_failure_rolls_back(ehr: Caller, bad: dict[str, Any]) -> None:
    """Whatever is wrong with the second entry, the first is not stored."""
    response = ehr.post("", bundle("transaction", entry("POST", "QuestionnaireResponse", answers()), bad))

    assert 400 <= response.status_code < 500
    assert response.json["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert ehr.ids("/QuestionnaireResponse") == []


def test_conditional_entries_point_to_what_exists(ehr: Caller) -> None:
    """Sending a transaction again finds the response by identifier, and new references point to the old one."""
    form = {**answers(), "identifier": {"system": "urn:s", "value": "1"}}
    sent = visit()
    sent["entry"][2]["resource"] = form
    first = ehr.post("", sent).json["entry"]

    second = ehr.post("", sent, Prefer="return=representation").json["entry"]

    assert second[2]["response"]["status"] == "200 OK"
    assert second[2]["response"]["location"] == first[2]["response"]["location"]
    assert second[1]["resource"]["derivedFrom"] == [
        {"reference": f"QuestionnaireResponse/{second[2]['resource']['id']}"}
    ]


def test_transaction_reads_after_it_writes(ehr: Caller) -> None:
    """GET entries see what the same transaction wrote, wherever they stand; PUT entries can be pointed to."""
    patient = {"resourceType": "Patient", "id": "cy"}

    response = ehr.post(
        "",
        bundle(
            "transaction",
            entry("GET", f"Observation?code={ALLIANCE}|visit-check-in-core&patient=cy"),
            entry("POST", "Observation", observation(subject={"reference": "urn:uuid:cy"}, encounter=None)),
            entry("PUT", "Patient/cy", patient, "urn:uuid:cy"),
        ),
    )

    found, _, updated = response.json["entry"]
    assert found["resource"]["total"] == 1
    assert found["response"] == {"status": "200 OK"}
    assert updated["response"]["status"] == "201 Created"


@pytest.mark.parametrize(
    "twice",
    [
        entry("PUT", "Patient/cy", {"resourceType": "Patient", "id": "cy"}),
        entry("POST", "Patient", {"resourceType": "Patient"}, ifNoneExist="identifier=urn:s|9"),
    ],
)
def test_two_entries_for_one_resource(ehr: Caller, twice: dict[str, Any]) -> None:
    """A transaction that writes the same thing twice is refused: the order would decide."""
    response = ehr.post("", bundle("transaction", twice, twice))

    assert problem(response) == (400, "invalid")


def test_conditions_are_decided_before_anything_is_written(ehr: Caller) -> None:
    """A condition does not match what the same transaction creates, so that references stay right."""
    form = {**answers(), "identifier": {"system": "urn:s", "value": "1"}}

    ehr.post(
        "",
        bundle(
            "transaction",
            entry("POST", "QuestionnaireResponse", form, ifNoneExist="identifier=urn:s|1"),
            entry("POST", "QuestionnaireResponse", form, RESPONSE, ifNoneExist="patient=ada&identifier=1"),
            entry("POST", "Observation", observation(derivedFrom=[{"reference": RESPONSE}])),
        ),
    )

    score = ehr.get("/Observation").json["entry"][0]["resource"]
    assert len(ehr.ids("/QuestionnaireResponse")) == 2
    assert ehr.get(f"/{score['derivedFrom'][0]['reference']}").status_code == 200
