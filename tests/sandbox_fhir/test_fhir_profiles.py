"""What each kind of EHR lets an app write, and what it says of itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.access import Access
from smart_app.sandbox.fhir.profiles import PROFILES
from smart_app.sandbox.fhir.rest import blueprint
from smart_app.sandbox.fhir.store import ResourceStore

from .conftest import Caller, problem
from .samples import BASE, answers, bundle, entry, observation

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ROW = {"system": "urn:oid:2.999.1", "code": "alliance-core"}
Mean = Callable[[str], Caller]


class Clock:
    """Seconds that pass when a test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def kind(store: ResourceStore, tmp_path: Path, clock: Clock) -> Mean:
    """Return a maker of callers who may do everything that one kind of EHR allows."""

    def make(profile: str) -> Caller:
        config = SandboxConfig(
            base_url=BASE.removesuffix("/fhir"), database=tmp_path / "ehr.sqlite", clients=(), profile=profile
        )
        access = Access(client_id="app", scopes=("system/*.cruds",), patient=None, encounter=None, user=None)
        app = Flask(__name__)
        app.register_blueprint(blueprint(store, config, lambda _: access, clock=clock), url_prefix="/fhir")
        return Caller(app, "token")

    return make


def vital(**changes: Any) -> dict[str, Any]:
    """Return an Observation that a flowsheet takes."""
    return observation(**{"category": category("vital-signs"), "code": {"coding": [ROW]}, **changes})


def category(code: str) -> list[dict[str, Any]]:
    """Return a category of one coding."""
    return [{"coding": [{"system": CATEGORY, "code": code}]}]


def note(**changes: Any) -> dict[str, Any]:
    """Return a note that every profile with notes takes; a change to None takes the element away."""
    resource = {
        "resourceType": "DocumentReference",
        "status": "current",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}],
        "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
        "subject": {"reference": "Patient/ada"},
        "author": [{"reference": "Practitioner/mori"}],
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": "SGVsbG8="}}],
        "context": {
            "encounter": [{"reference": "Encounter/visit"}],
            "period": {"start": "2026-03-04T10:45:00Z", "end": "2026-03-04T10:45:00Z"},
        },
        **changes,
    }
    return {name: value for name, value in resource.items() if value is not None}


FORM = {"resourceType": "Questionnaire", "status": "active"}
SENT = {
    "Questionnaire": FORM,
    "CodeSystem": {"resourceType": "CodeSystem", "status": "active", "content": "complete"},
    "QuestionnaireResponse": answers(),
    "survey": observation(),
    "vital-signs": vital(),
    "laboratory": observation(category=category("laboratory")),
    "DocumentReference": note(),
}
TAKEN = {
    "generous": (201, 201, 201, 201, 201, 201, 201),
    "read-only-questionnaires": (405, 405, 201, 201, 201, 201, 201),
    "flowsheet": (405, 405, 405, 422, 201, 422, 405),
    "lab-and-vitals-only": (405, 405, 405, 422, 201, 201, 201),
    "notes-only": (405, 405, 405, 405, 405, 405, 201),
    "fire-hose": (202, 202, 202, 202, 202, 202, 202),
    "legacy": (201, 201, 201, 201, 201, 201, 201),
}


@pytest.mark.parametrize("profile", PROFILES)
def test_each_kind_takes_what_it_should(kind: Mean, profile: str) -> None:
    """One create of each resource of ours is answered as the table says."""
    ehr = kind(profile)

    statuses = tuple(ehr.post(f"/{sent['resourceType']}", sent).status_code for sent in SENT.values())

    assert statuses == TAKEN[profile]


@pytest.mark.parametrize("profile", PROFILES)
def test_statement_says_what_may_be_created(kind: Mean, profile: str) -> None:
    """The CapabilityStatement is right about creating, but for the response that flowsheet claims to take."""
    ehr = kind(profile)

    (rest,) = ehr.get("/metadata").json["rest"]

    said = {each["type"]: {one["code"] for one in each["interaction"]} for each in rest["resource"]}
    taken = {name: profile == "flowsheet" and name == "QuestionnaireResponse" for name in said}
    taken |= {name: PROFILES[profile].may_write(name) for name in said if not taken[name]}
    assert {name: "create" in codes for name, codes in said.items()} == taken
    assert all({"read", "search-type"} <= codes for codes in said.values())
    assert ("interaction" in rest) is PROFILES[profile].bundles


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"category": category("survey")}, "category"),
        ({"category": None}, "category"),
        ({"code": {"coding": [ROW, {"system": "urn:b", "code": "b"}]}}, "code"),
        ({"status": "preliminary"}, "status"),
        ({"effectiveDateTime": "2026-03-04"}, "effectiveDateTime"),
        ({"effectiveDateTime": None}, "effectiveDateTime"),
        ({"valueQuantity": None}, "valueQuantity"),
        ({"note": [{"text": "n" * 255}]}, "note"),
    ],
)
def test_flowsheet_row_has_limits(kind: Mean, changes: dict[str, Any], where: str) -> None:
    """A value that breaks one limit of a flowsheet is refused by the element's name."""
    response = kind("flowsheet").post("/Observation", vital(**changes))

    assert problem(response) == (422, "processing")
    assert response.json["issue"][0]["expression"] == [f"Observation.{where}"]


def test_flowsheet_row_holds_one_value_at_a_time(kind: Mean) -> None:
    """A second value of the same row and moment is refused, whatever the offset it is written with."""
    ehr = kind("flowsheet")
    ehr.post("/Observation", vital(note=[{"text": "n" * 254}]))

    again = ehr.post("/Observation", vital(effectiveDateTime="2026-03-04T05:45:00-05:00"))
    later = ehr.post("/Observation", vital(effectiveDateTime="2026-03-04T10:46:00Z"))
    other = ehr.post("/Observation", vital(subject={"reference": "Patient/bo"}, encounter=None))

    assert (again.status_code, later.status_code, other.status_code) == (422, 201, 201)


def test_a_flowsheet_value_stays(kind: Mean) -> None:
    """What was filed cannot be changed by an app, not even taken back, and the statement says so."""
    ehr = kind("flowsheet")
    path = ehr.post("/Observation", vital()).headers["Location"].removeprefix(BASE).partition("/_history")[0]

    retracted = ehr.put(path, vital(id=path.rpartition("/")[2], status="entered-in-error"), If_Match='W/"1"')
    (rest,) = ehr.get("/metadata").json["rest"]

    said = {each["type"]: {one["code"] for one in each["interaction"]} for each in rest["resource"]}
    assert problem(retracted) == (405, "not-supported")
    assert ehr.get(path).json["status"] == "final"
    assert "update" not in said["Observation"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"status": "entered-in-error"}, 200), ({"status": "entered-in-error", "author": None}, 422)],
)
def test_a_changed_note_has_the_same_limits(kind: Mean, changes: dict[str, Any], status: int) -> None:
    """A note can be taken back with the version it has; one that lacks what a new note needs is refused."""
    ehr = kind("notes-only")
    path = ehr.post("/DocumentReference", note()).headers["Location"].removeprefix(BASE).partition("/_history")[0]

    answer = ehr.put(path, note(id=path.rpartition("/")[2], **changes), If_Match='W/"1"')

    assert answer.status_code == status
    assert ehr.get(path).json["status"] == ("entered-in-error" if status == 200 else "current")


@pytest.mark.parametrize("profile", ["flowsheet", "lab-and-vitals-only"])
def test_identifiers_may_be_dropped(kind: Mean, profile: str) -> None:
    """What a mean EHR does not know is gone without a word; value and time stay."""
    ehr = kind(profile)

    ehr.post("/Observation", vital(identifier=[{"system": "urn:s", "value": "1"}], method={"text": "m"}))
    (kept,) = ehr.get("/Observation?patient=ada").json["entry"]

    assert not {"identifier", "method"} & kept["resource"].keys()
    assert kept["resource"]["valueQuantity"]["value"] == 7.1667
    assert kept["resource"]["effectiveDateTime"] == "2026-03-04T10:45:00Z"


def test_lab_and_vitals_answers_briefly(kind: Mean) -> None:
    """A create is answered without a body, a modifier is refused, and an update needs the version it replaces."""
    ehr = kind("lab-and-vitals-only")

    made = ehr.post("/Observation", vital())
    modified = ehr.post("/Observation", vital(modifierExtension=[{"url": "urn:x", "valueBoolean": True}]))
    path = made.headers["Location"].removeprefix(BASE).partition("/_history")[0]
    changed = vital(id=path.rpartition("/")[2])
    blind, seen = ehr.put(path, changed), ehr.put(path, changed, If_Match='W/"1"')

    assert (made.status_code, made.data) == (201, b"")
    assert problem(modified) == (422, "processing")
    assert problem(blind) == (412, "conflict")
    assert seen.status_code == 200


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"type": None}, "type"),
        ({"author": None}, "author"),
        ({"context": {"period": {"end": "2026-03-04T10:45:00Z"}}}, "context.encounter"),
        ({"context": {"encounter": [{"reference": "Encounter/visit"}]}}, "context.period.end"),
        ({"content": [{"attachment": {"contentType": "text/plain"}}]}, "content.attachment"),
        ({"content": [{"attachment": {"contentType": "image/png", "data": "AA=="}}]}, "content.attachment.contentType"),
    ],
)
def test_a_note_has_limits(kind: Mean, changes: dict[str, Any], where: str) -> None:
    """A note that lacks what the EHR needs is refused by the element's name."""
    response = kind("notes-only").post("/DocumentReference", note(**changes))

    assert problem(response) == (422, "processing")
    assert response.json["issue"][0]["expression"] == [f"DocumentReference.{where}"]


@pytest.mark.parametrize("profile", ["flowsheet", "lab-and-vitals-only", "notes-only"])
def test_mean_kinds_take_no_bundles(kind: Mean, profile: str) -> None:
    """A transaction is refused as a whole, and a condition on a create is not looked at."""
    ehr = kind(profile)

    sent = ehr.post("", bundle("transaction", entry("POST", "Observation", vital())))

    assert problem(sent) == (405, "not-supported")


def test_conditions_are_ignored_where_they_are_not_known(kind: Mean) -> None:
    """An EHR that does not know If-None-Exist writes a second time."""
    ehr = kind("notes-only")

    sent = [ehr.post("/DocumentReference", note(), If_None_Exist="identifier=urn:uuid:1") for _ in range(2)]

    assert [each.status_code for each in sent] == [201, 201]
    assert len(ehr.ids("/DocumentReference?patient=ada")) == 2


def test_fire_hose_keeps_a_write_waiting(kind: Mean, clock: Clock) -> None:
    """A write is answered 202 with nothing to follow, and is in the record, with less, once it was reviewed."""
    ehr = kind("fire-hose")

    sent = ehr.post("/Observation", observation(note=[{"text": "n"}]))
    before = ehr.ids("/Observation")
    clock.seconds = 3
    (after,) = ehr.get("/Observation").json["entry"]

    assert (sent.status_code, sent.data) == (202, b"")
    assert "Location" not in sent.headers
    assert before == []
    assert "note" not in after["resource"]


def test_fire_hose_keeps_a_transaction_waiting(kind: Mean, clock: Clock) -> None:
    """Each entry is answered 202 without a location, and the references between them hold once it was reviewed."""
    ehr = kind("fire-hose")
    score = observation(derivedFrom=[{"reference": "urn:uuid:a"}])
    entries = [entry("POST", "QuestionnaireResponse", answers(), "urn:uuid:a"), entry("POST", "Observation", score)]

    sent = ehr.post("", bundle("transaction", *entries))
    clock.seconds = 3
    (response,) = ehr.ids("/QuestionnaireResponse")
    (found,) = ehr.get("/Observation").json["entry"]

    assert sent.json["entry"] == [{"response": {"status": "202 Accepted"}}] * 2
    assert found["resource"]["derivedFrom"] == [{"reference": f"QuestionnaireResponse/{response}"}]


def test_fire_hose_refuses_at_once(kind: Mean, clock: Clock) -> None:
    """What breaks FHIR's rules is refused at once and never comes up for review."""
    ehr = kind("fire-hose")

    sent = ehr.post("/Observation", observation(status="done"))
    clock.seconds = 3

    assert problem(sent) == (422, "processing")
    assert ehr.ids("/Observation") == []


def test_legacy_does_not_offer_s256(tmp_path: Path) -> None:
    """A legacy EHR says neither S256 nor v2 scopes, its neighbours both."""
    config = SandboxConfig(base_url="http://ehr.example.invalid", database=tmp_path / "ehr", clients=(), populate=False)

    said = [
        create_sandbox(replace(config, profile=profile))
        .test_client()
        .get("/fhir/.well-known/smart-configuration")
        .get_json()
        for profile in ("legacy", "generous")
    ]

    assert ["code_challenge_methods_supported" in each for each in said] == [False, True]
    assert ["permission-v2" in each["capabilities"] for each in said] == [False, True]
    assert ["user/*.cruds" in each["scopes_supported"] for each in said] == [False, True]
    assert "user/*.read" in said[0]["scopes_supported"]


@pytest.mark.parametrize(
    ("profile", "kept"), [("flowsheet", False), ("lab-and-vitals-only", False), ("notes-only", False), ("legacy", True)]
)
def test_record_fits_the_kind(tmp_path: Path, profile: str, kept: bool) -> None:
    """The synthetic record has responses and survey scores only where an app could have written them."""
    config = SandboxConfig(
        base_url="http://ehr.example.invalid",
        database=tmp_path / "ehr",
        clients=(),
        today=date(2026, 3, 4),
        profile=profile,
    )

    store = create_sandbox(config).extensions["sandbox_store"]

    found = {name: store.search(name, []).total > 0 for name in ("Encounter", "QuestionnaireResponse", "Observation")}
    assert found == {"Encounter": True, "QuestionnaireResponse": kept, "Observation": kept}
