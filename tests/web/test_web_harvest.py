"""Responses that other form fillers wrote are found in the EHR, checked and scored once; what is not is told."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_alliance.tables import audit, submissions

from .house import CORE, MARIA, House
from .test_web_backend import granting

MakeHouse = Callable[..., House]
Response = dict[str, Any]
SCOPES = "system/Patient.r system/Encounter.r system/QuestionnaireResponse.rs system/Observation.crus"
FORMS = "https://fhir-alliance.org/fhir/Questionnaire"
ANSWERS = "https://fhir-alliance.org/fhir/CodeSystem/visit-check-in-answers"
CODES = {"visit-check-in", "visit-check-in-core"}


def chosen(code: str) -> Response:
    """Return an answer that was chosen, without the words of the option."""
    return {"valueCoding": {"system": ANSWERS, "code": code}}


def asked(given: dict[str, str]) -> list[Response]:
    """Return items without texts, in another order than asked."""
    return [{"linkId": link_id, "answer": [chosen(code)]} for link_id, code in reversed(given.items())]


def filled(house: House, patient: str = MARIA, **changed: Any) -> Response:
    """Return a response as LHC-Forms writes it: whom it is about, and answers; nobody is named, nothing is grouped."""
    at = house.now().astimezone().isoformat(timespec="seconds")
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{FORMS}/visit-check-in-patient-core|1.0.0",
        "status": "completed",
        "authored": at,
        "subject": {"reference": f"Patient/{patient}"},
        "item": asked(CORE),
        **changed,
    }


def put(house: House, response: Response) -> str:
    """Let another program write a response; returns its id."""
    return str(house.ehr.extensions["sandbox_store"].create(response)["id"])


def change(house: House, name: str, **changed: Any) -> None:
    """Let another program change a response."""
    store = house.ehr.extensions["sandbox_store"]
    store.update({**store.read("QuestionnaireResponse", name), **changed})


def look(house: House, **options: Any) -> dict[str, str]:
    """Look through the EHR for what came since the house was opened; returns what became of each response."""
    found = house.services.harvester.harvest("harbor", **{"since": house.opened, **options})
    return {each.response: each.outcome for each in found}


def scores(house: House, name: str, patient: str = MARIA) -> dict[str, Response]:
    """Return the Observations that derive from a response, by code; there is one of each."""
    store = house.ehr.extensions["sandbox_store"]
    found = store.search("Observation", [("patient", patient), ("_count", "500")]).resources
    mine = [one for one in found if {"reference": f"QuestionnaireResponse/{name}"} in one.get("derivedFrom", [])]
    by_code = {one["code"]["coding"][0]["code"]: one for one in mine}
    assert len(by_code) == len(mine)
    return by_code


def told(observations: dict[str, Response]) -> dict[str, tuple[str, object]]:
    """Return status and value by code."""
    return {
        code: (one["status"], one.get("valueQuantity", {}).get("value")) for code, one in sorted(observations.items())
    }


def standings(house: House) -> list[tuple[str, str | None]]:
    """Return state and reason of everything that was accepted, oldest first."""
    return [(row["state"], row["reason"]) for row in house.rows(submissions)]


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """Open a house whose backend client may look for responses, and score them; what is in it is old."""
    return make_house(change=granting(SCOPES))


def test_scored_once(house: House) -> None:
    """A bare response is scored from our definition, with references to it, and a second look finds nothing to do."""
    name = put(house, filled(house))

    found = look(house)
    house.deliver()
    again = look(house)
    house.deliver()

    assert (found, again) == ({name: "scored"}, {})
    assert told(scores(house, name)) == {"visit-check-in": ("final", None), "visit-check-in-core": ("final", 7.5)}
    assert standings(house) == [("delivered", None)]
    panel = scores(house, name)["visit-check-in"]
    member = scores(house, name)["visit-check-in-core"]
    assert panel["hasMember"] == [{"reference": f"Observation/{member['id']}"}]
    senders = {row["actor"] for row in house.rows(audit) if row["event"] == "submission.sent"}
    assert senders == {"courier-backend"}
