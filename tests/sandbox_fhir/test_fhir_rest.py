"""Create, read and update, conditional or not."""

import pytest

from .conftest import Caller, problem
from .samples import BASE, observation


def test_create_answers_with_address_and_version(ehr: Caller) -> None:
    """A created resource has an id, a version, a Location and comes back on reading."""
    created = ehr.post("/Observation", observation())

    assert created.status_code == 201
    assert created.headers["Location"] == f"{BASE}/Observation/{created.json['id']}/_history/1"
    assert created.headers["ETag"] == 'W/"1"'
    assert created.last_modified is not None
    assert created.mimetype == "application/fhir+json"
    assert ehr.get(f"/Observation/{created.json['id']}").json == created.json


def test_client_content_survives(ehr: Caller) -> None:
    """Numbers, tags and the order of elements are kept; only id and version are the server's."""
    sent = observation(meta={"tag": [{"code": "t"}], "versionId": "9"}, note=[{"text": "≥ 5"}], issued=None)

    read = ehr.get(f"/Observation/{ehr.post('/Observation', sent).json['id']}")

    assert b'"value":7.1667' in read.data
    assert read.json["meta"]["tag"] == [{"code": "t"}]
    assert read.json["meta"]["versionId"] == "1"
    assert {k: v for k, v in read.json.items() if k not in ("id", "meta")} == {
        k: v for k, v in sent.items() if k != "meta"
    }


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_prefer_decides_about_the_body(ehr: Caller, method: str) -> None:
    """Writing answers without a body when the client prefers that, headers stay."""
    path = "/Patient/ada" if method == "PUT" else "/Patient"
    patient = {"resourceType": "Patient", "id": "ada", "active": True}

    minimal = ehr.send(method, path, patient, Prefer="respond-async, return=minimal")
    full = ehr.send(method, path, patient, Prefer="return=representation")

    assert minimal.data == b""
    assert minimal.headers["Location"].startswith(f"{BASE}/Patient/")
    assert minimal.headers["ETag"]
    assert full.json["active"] is True


def test_update_makes_the_next_version(ehr: Caller) -> None:
    """Updating with the current ETag makes version 2, which is what is read and found from then on."""
    ada = ehr.get("/Patient/ada")

    updated = ehr.put("/Patient/ada", {**ada.json, "gender": "female"}, If_Match=ada.headers["ETag"])

    assert (updated.status_code, updated.headers["ETag"]) == (200, 'W/"2"')
    assert ehr.get("/Patient/ada").json["gender"] == "female"
    assert ehr.ids("/Patient?gender=female") == ["ada"]
    assert ehr.ids("/Patient?_id=ada") == ["ada"]


def test_update_of_another_version_is_refused(ehr: Caller) -> None:
    """A second writer with the old ETag gets 412 and changes nothing."""
    ada = ehr.get("/Patient/ada").json
    ehr.put("/Patient/ada", {**ada, "gender": "female"}, If_Match='W/"1"')

    late = ehr.put("/Patient/ada", {**ada, "gender": "male"}, If_Match='W/"1"')

    assert problem(late) == (412, "conflict")
    assert ehr.get("/Patient/ada").json["gender"] == "female"


def test_update_as_create(ehr: Caller) -> None:
    """PUT to a new id creates it there, unless If-Match says that it must exist."""
    patient = {"resourceType": "Patient", "id": "cy"}

    conditional = ehr.put("/Patient/cy", patient, If_Match='W/"1"')
    created = ehr.put("/Patient/cy", patient)

    assert problem(conditional) == (412, "conflict")
    assert (created.status_code, created.headers["ETag"]) == (201, 'W/"1"')


def test_conditional_create(ehr: Caller) -> None:
    """If-None-Exist creates once, then answers 200 with what is there, and 412 when several match."""
    sent = observation(identifier=[{"system": "urn:s", "value": "1"}])
    condition = "identifier=urn:s|1"

    first = ehr.post("/Observation", sent, If_None_Exist=condition)
    second = ehr.post("/Observation", sent, If_None_Exist=f"?{condition}")
    ehr.post("/Observation", sent)
    third = ehr.post("/Observation", sent, If_None_Exist=condition)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json == first.json
    assert second.headers["Location"] == first.headers["Location"]
    assert problem(third) == (412, "conflict")


@pytest.mark.parametrize("condition", ["", "?", "nonsense=1", "_count=1", "identifier=", "identifier=a&color=b"])
def test_condition_that_means_nothing_is_refused(ehr: Caller, condition: str) -> None:
    """A conditional create whose condition cannot be checked as a whole is not taken for a plain create."""
    response = ehr.post("/Observation", observation(), If_None_Exist=condition)

    assert problem(response) == (400, "invalid")
    assert ehr.ids("/Observation") == []
