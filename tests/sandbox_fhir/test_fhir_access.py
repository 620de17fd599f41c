"""Scopes: what each grammar means, and that every interaction keeps to them."""

from collections.abc import Callable

import pytest

from smart_app.sandbox.fhir.store import ResourceStore

from .conftest import Caller, problem
from .samples import SURVEY, observation

LAB = [{"coding": [{"system": SURVEY.split("|")[0], "code": "laboratory"}]}]
GRANULAR = f"user/Observation.crus?category={SURVEY}"

Make = Callable[..., Caller]


@pytest.fixture(autouse=True)
def record(store: ResourceStore) -> None:
    """Fill the store with an Observation of each patient, a laboratory one, and things nobody owns."""
    store.load(
        [
            observation(id="hers"),
            observation(id="his", subject={"reference": "Patient/bo"}, encounter=None),
            observation(id="lab", category=LAB),
            {"resourceType": "Encounter", "id": "other", "status": "planned", "subject": {"reference": "Patient/bo"}},
            {"resourceType": "Questionnaire", "id": "form", "status": "active"},
            {"resourceType": "Group", "id": "everybody", "member": [{"entity": {"reference": "Patient/bo"}}]},
        ]
    )


@pytest.mark.parametrize("letter", list("crus"))
def test_each_letter_opens_one_interaction(caller: Make, letter: str) -> None:
    """A scope of one letter allows that interaction and answers 403 to the others."""
    app = caller(f"user/Observation.{letter}")

    statuses = {
        "c": app.post("/Observation", observation()).status_code,
        "r": app.get("/Observation/hers").status_code,
        "u": app.put("/Observation/hers", observation(id="hers")).status_code,
        "s": app.get("/Observation").status_code,
    }

    assert statuses.pop(letter) in (200, 201)
    assert set(statuses.values()) == {403}


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        ("user/Patient.r", 200),
        ("system/Patient.read", 200),
        ("openid fhirUser launch", 403),
        ("", 403),
        ("user/Practitioner.cruds", 403),
        ("patient/Patient.r", 403),
    ],
)
def test_reading_needs_a_scope_for_the_type(caller: Make, scopes: str, status: int) -> None:
    """Without a scope for the type, or a patient scope without a patient, reading is forbidden."""
    assert caller(scopes).get("/Patient/ada").status_code == status


def test_patient_reads_the_own_compartment_only(caller: Make) -> None:
    """A patient's app sees the patient, visits and results of that patient, and forms; all else is not there."""
    app = caller("patient/*.cruds", patient="ada")

    seen = {path: app.get(path).status_code for path in (
        "/Patient/ada", "/Encounter/visit", "/Observation/hers", "/Practitioner/mori", "/Questionnaire/form",
        "/Patient/bo", "/Encounter/other", "/Observation/his",
    )}  # fmt: skip

    assert list(seen.values()) == [200] * 5 + [404] * 3
    assert problem(app.get("/Group/everybody")) == (403, "forbidden")


def test_patient_searches_the_own_compartment_only(caller: Make) -> None:
    """Searches are narrowed to the patient's own, also when they ask for somebody else's."""
    app = caller("patient/*.rs", patient="ada")

    assert app.ids("/Patient") == ["ada"]
    assert app.ids("/Encounter") == ["visit"]
    assert app.ids("/Observation?_sort=_id") == ["hers", "lab"]
    assert app.ids("/Observation?patient=bo") == []
    assert app.get("/Observation?_summary=count").json["total"] == 2
    assert app.ids("/Practitioner") == ["mori"]


def test_patient_writes_in_the_own_compartment_only(caller: Make, ehr: Caller) -> None:
    """A patient's app cannot write for another patient, move a resource there, or change what belongs to nobody."""
    app = caller("patient/*.cruds", patient="ada")
    his = observation(subject={"reference": "Patient/bo"}, encounter=None)

    refused = [
        app.post("/Observation", his),
        app.put("/Observation/hers", {**his, "id": "hers"}),
        app.put("/Observation/his", observation(id="his")),
        app.put("/Observation/new", {**his, "id": "new"}),
        app.post("/Patient", {"resourceType": "Patient"}),
        app.put("/Practitioner/mori", {"resourceType": "Practitioner", "id": "mori"}),
    ]

    assert [problem(response) for response in refused] == [(403, "forbidden")] * 6
    assert ehr.get("/Observation/his").headers["ETag"] == 'W/"1"'
    assert ehr.get("/Observation/new").status_code == 404
    assert ehr.get("/Observation?_summary=count").json["total"] == 3
    assert app.post("/Observation", observation()).status_code == 201


def test_user_who_is_a_patient_is_bound_like_one(caller: Make) -> None:
    """`user/` scopes of a signed-in patient, or a relative, reach that patient; those of a clinician reach all."""
    patient = caller("user/*.rs", user="Patient/bo")
    relative = caller("user/*.rs", user="RelatedPerson/kim", patient="bo")
    clinician = caller("user/*.rs", user="Practitioner/mori", patient="bo")

    assert patient.ids("/Observation") == ["his"]
    assert relative.ids("/Observation") == ["his"]
    assert clinician.ids("/Observation?_sort=_id") == ["hers", "his", "lab"]


def test_granular_scope_limits_reading_and_searching(caller: Make) -> None:
    """A scope with a category sees that category only."""
    app = caller(GRANULAR)

    assert app.ids("/Observation?_sort=_id") == ["hers", "his"]
    assert app.get("/Observation/hers").status_code == 200
    assert problem(app.get("/Observation/lab")) == (404, "not-found")


def test_granular_scope_limits_writing(caller: Make, ehr: Caller) -> None:
    """A scope with a category creates and changes that category only, and cannot change it into another."""
    app = caller(GRANULAR)

    refused = [
        app.post("/Observation", observation(category=LAB)),
        app.put("/Observation/lab", observation(id="lab")),
        app.put("/Observation/hers", observation(id="hers", category=LAB)),
    ]

    assert [problem(response) for response in refused] == [(403, "forbidden")] * 3
    assert ehr.ids("/Observation?category=laboratory") == ["lab"]
    assert app.post("/Observation", observation()).status_code == 201
    assert app.put("/Observation/hers", observation(id="hers", status="amended")).status_code == 200


def test_scopes_add_up(caller: Make) -> None:
    """Two scopes for a type reach what either of them reaches."""
    app = caller(f"patient/Observation.rs?category=laboratory {GRANULAR}", patient="ada")

    assert app.ids("/Observation?_sort=_id") == ["hers", "his", "lab"]


@pytest.mark.parametrize("limit", ["colour=red", "category:not=laboratory", "category="])
def test_limit_that_cannot_be_checked_grants_nothing(caller: Make, limit: str) -> None:
    """A scope with a parameter this server cannot evaluate is not taken for one without."""
    assert problem(caller(f"user/Observation.rs?{limit}").get("/Observation")) == (403, "forbidden")


def test_conditional_create_does_not_show_what_may_not_be_read(caller: Make, ehr: Caller) -> None:
    """Without read scope the match of a conditional create comes back as an address only."""
    sent = observation(identifier=[{"system": "urn:s", "value": "1"}])
    ehr.post("/Observation", sent)

    writer = caller("user/Observation.c").post("/Observation", sent, If_None_Exist="identifier=urn:s|1")
    reader = caller("user/Observation.cr").post("/Observation", sent, If_None_Exist="identifier=urn:s|1")
    other = caller("user/Observation.cr?category=laboratory")

    assert (writer.status_code, writer.data) == (200, b"")
    assert writer.headers["Location"] == reader.headers["Location"]
    assert reader.json["identifier"] == sent["identifier"]
    assert problem(other.post("/Observation", sent, If_None_Exist="identifier=urn:s|1")) == (403, "forbidden")
