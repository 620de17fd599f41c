"""What a search brings along with its matches."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from smart_app.sandbox.fhir.store import ResourceStore

from .conftest import Caller, problem
from .samples import BASE, SURVEY, answers, observation

Make = Callable[..., Caller]


def refer(*places: str) -> list[dict[str, str]]:
    """Return references."""
    return [{"reference": place} for place in places]


@pytest.fixture(autouse=True)
def visit(store: ResourceStore) -> None:
    """Fill the store with a visit: answers, a panel, its score, a laboratory result, and a note by somebody else."""
    store.load(
        [
            {
                "resourceType": "Encounter",
                "id": "talk",
                "status": "finished",
                "class": {"code": "AMB"},
                "subject": {"reference": f"{BASE}/Patient/ada"},
                "participant": [{"individual": one} for one in refer("Practitioner/mori", "Practitioner/gone")],
            },
            {**answers(), "id": "form", "encounter": {"reference": "Encounter/talk"}},
            talked(id="panel", hasMember=refer("Observation/score"), derivedFrom=refer("QuestionnaireResponse/form")),
            talked(id="score", derivedFrom=refer(f"{BASE}/QuestionnaireResponse/form/_history/1", "urn:x", "#in")),
            talked(id="blood", category=[{"coding": [{"code": "laboratory"}]}]),
            talked(id="his", subject={"reference": "Patient/bo"}, derivedFrom=refer("QuestionnaireResponse/form")),
            observation(id="elsewhere"),
        ]
    )


def talked(**changes: Any) -> dict[str, Any]:
    """Return an Observation of the visit."""
    return observation(encounter={"reference": "Encounter/talk"}, **changes)


def found(app: Caller, path: str) -> dict[str, list[str]]:
    """Search and return what came, by search mode, in order."""
    response = app.get(path)
    assert response.status_code == 200, response.text
    modes: dict[str, list[str]] = {}
    for each in response.json.get("entry", []):
        place = f"{each['resource']['resourceType']}/{each['resource']['id']}"
        assert each["fullUrl"] == f"{BASE}/{place}"
        modes.setdefault(each["search"]["mode"], []).append(place)
    return modes


@pytest.mark.parametrize(
    ("query", "included"),
    [
        ("Observation?_id=panel&_include=Observation:encounter", "Encounter/talk"),
        ("Observation?_id=panel&_include=Observation:encounter:Encounter", "Encounter/talk"),
        ("Observation?_id=panel&_include=Observation:has-member", "Observation/score"),
        ("Observation?_id=panel,score&_include=Observation:has-member", ""),
        ("Observation?_id=score&_include=Observation:derived-from", "QuestionnaireResponse/form"),
        ("Observation?_id=panel&_include=Observation:derived-from:Observation", ""),
        ("Observation?_id=panel,score,his&_include=Observation:patient", "Patient/ada Patient/bo"),
        ("Observation?_id=panel&_include=Observation:focus", ""),
        (
            "Observation?_id=panel&_include=Observation:subject&_include=Observation:encounter",
            "Encounter/talk Patient/ada",
        ),
        ("Encounter?_id=talk&_include=Encounter:participant", "Practitioner/mori"),
        ("Encounter?_id=talk&_include=Encounter:subject", "Patient/ada"),
        ("QuestionnaireResponse?_id=form&_include=QuestionnaireResponse:encounter", "Encounter/talk"),
        (
            "Encounter?_id=talk&_revinclude=Observation:encounter",
            "Observation/blood Observation/his Observation/panel Observation/score",
        ),
        ("Encounter?_id=talk&_revinclude=QuestionnaireResponse:encounter:Encounter", "QuestionnaireResponse/form"),
        ("Observation?_id=score&_revinclude=Observation:has-member", "Observation/panel"),
        ("Patient?_id=bo&_revinclude=Observation:patient&_revinclude=Observation:subject", "Observation/his"),
        (
            "QuestionnaireResponse?_id=form&_revinclude=Observation:derived-from&_include=QuestionnaireResponse:encounter",
            "Encounter/talk Observation/his Observation/panel Observation/score",
        ),
        ("Encounter?_id=nothing&_revinclude=Observation:encounter", ""),
        ("Encounter?_count=0&_revinclude=Observation:encounter", ""),
    ],
)
def test_includes(ehr: Caller, query: str, included: str) -> None:
    """References are followed both ways, once each; matches are not repeated, and what is not there is left out."""
    assert sorted(found(ehr, f"/{query}").get("include", [])) == included.split()


def test_new_parameters_find(ehr: Caller) -> None:
    """derived-from and has-member are search parameters too."""
    assert ehr.ids("/Observation?derived-from=QuestionnaireResponse/form&patient=ada&_sort=_id") == ["panel", "score"]
    assert ehr.ids("/Observation?has-member=score") == ["panel"]
    assert ehr.ids("/Observation?has-member=panel") == []


def test_total_and_links_are_those_of_the_matches(ehr: Caller) -> None:
    """Included resources are not counted; the self link says what was included, the next page includes again."""
    query = "_id=panel,score&_sort=_id&_count=1&_include=Observation:derived-from"

    first = ehr.get(f"/Observation?{query}").json
    links = {link["relation"]: link["url"] for link in first["link"]}
    second = found(ehr, f"/Observation?{urlsplit(links['next']).query}")

    assert first["total"] == 2
    assert [each["search"]["mode"] for each in first["entry"]] == ["match", "include"]
    assert links["self"] == f"{BASE}/Observation?{query}"
    assert second == {"match": ["Observation/score"], "include": ["QuestionnaireResponse/form"]}


@pytest.mark.parametrize(
    "value",
    [
        "_include=*",
        "_include=Observation",
        "_include=Observation:",
        "_include=Observation:*",
        "_include=Observation:code",
        "_include=Observation:nonsense",
        "_include=Encounter:subject",
        "_include=Starship:crew",
        "_include=Observation:encounter:Patient",
        "_include=Observation:encounter,Observation:subject",
        "_revinclude=Observation:encounter",
        "_revinclude=Observation:derived-from:Encounter",
        "_revinclude=Starship:crew",
    ],
)
def test_what_is_not_offered_is_ignored_or_refused(ehr: Caller, value: str) -> None:
    """An include this server does not offer brings nothing, is not in the self link, and is refused when strict."""
    lenient = ehr.get(f"/Observation?_id=panel&{value}")
    strict = ehr.get(f"/Observation?_id=panel&{value}", Prefer="handling=strict")

    assert [each["search"]["mode"] for each in lenient.json["entry"]] == ["match"]
    assert "include" not in lenient.json["link"][0]["url"]
    assert problem(strict) == (400, "invalid")


@pytest.mark.parametrize("name", ["_include:iterate", "_revinclude:recurse", "_include"])
def test_iteration_and_nothing_are_malformed(ehr: Caller, name: str) -> None:
    """Includes of includes are not offered and not ignored either; neither is an empty value."""
    value = "" if name == "_include" else "Observation:has-member"

    assert problem(ehr.get(f"/Observation?{name}={value}")) == (400, "invalid")


def test_an_include_is_no_condition(ehr: Caller) -> None:
    """A conditional create cannot be conditional on an include."""
    condition = "identifier=a&_include=Observation:encounter"

    assert problem(ehr.post("/Observation", observation(), If_None_Exist=condition)) == (400, "invalid")


@pytest.mark.parametrize(
    ("scopes", "included"),
    [
        ("user/Encounter.rs", ""),
        ("user/Encounter.rs user/Observation.s", "blood his panel score"),
        ("user/Encounter.rs user/Observation.r", ""),
        (f"user/Encounter.rs user/Observation.rs?category={SURVEY}", "his panel score"),
        ("user/Encounter.rs patient/Observation.rs", "blood panel score"),
        ("patient/*.rs", "blood panel score"),
    ],
)
def test_what_refers_to_a_match_needs_the_scope_to_search(caller: Make, scopes: str, included: str) -> None:
    """_revinclude searches another type, and finds there what the token could find by itself."""
    app = caller(scopes, patient="ada")

    places = found(app, "/Encounter?_id=talk&_revinclude=Observation:encounter").get("include", [])

    assert sorted(place.removeprefix("Observation/") for place in places) == included.split()


@pytest.mark.parametrize(
    ("scopes", "included"),
    [
        ("user/Observation.rs", ""),
        ("user/Observation.rs user/QuestionnaireResponse.s", ""),
        ("user/Observation.rs user/QuestionnaireResponse.r", "QuestionnaireResponse/form"),
        ("user/Observation.rs patient/QuestionnaireResponse.r", ""),
        ("user/Observation.rs user/QuestionnaireResponse.r?status=amended", ""),
    ],
)
def test_what_a_match_refers_to_needs_the_scope_to_read(caller: Make, scopes: str, included: str) -> None:
    """_include reads another resource, and gives what the token could read by itself; the matches come anyway."""
    app = caller(scopes, patient="bo")

    entries = found(app, "/Observation?_id=his&_include=Observation:derived-from")

    assert entries["match"] == ["Observation/his"]
    assert entries.get("include", []) == included.split()


def test_many_references_are_followed(ehr: Caller, store: ResourceStore) -> None:
    """All of several hundred references are followed, in either direction."""
    numbers = range(510)
    store.load({"resourceType": "Observation", "id": f"n{number}", "status": "final"} for number in numbers)
    store.load([talked(id="big", hasMember=refer(*(f"Observation/n{number}" for number in numbers)))])
    store.load(observation(id=f"up{number}", focus=refer("Encounter/visit")) for number in numbers)

    down = found(ehr, "/Observation?_id=big&_include=Observation:has-member")["include"]
    up = found(ehr, "/Encounter?_id=visit&_revinclude=Observation:focus")["include"]

    assert len(set(down)) == len(down) == 510
    assert len(set(up)) == len(up) == 510
