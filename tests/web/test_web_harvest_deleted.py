"""A response that the EHR has deleted takes its scores with it, and what is not scored is seen by administrators."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import EhrUnreachable, FhirError
from fhir_alliance.harvest.book import Book

from .house import CORE, MARIA, House
from .test_web_backend import granting
from .test_web_harvest import SCOPES, asked, change, edited, filled, look, put, scores, standings, told

MakeHouse = Callable[..., House]
WITHDRAWN = {
    "visit-check-in": ("entered-in-error", None),
    "visit-check-in-core": ("entered-in-error", 7.5),
}


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """Open a house whose backend client may look for responses, score them, and say who computed the scores."""
    return make_house(change=granting(f"{SCOPES} system/Provenance.c"))


def scored(house: House, **changed: Any) -> str:
    """Let another program write a response whose scores are in the chart; returns its id."""
    name = put(house, filled(house, **changed))
    look(house)
    house.deliver()
    return name


def delete(house: House, name: str) -> None:
    """Let somebody at the EHR delete a response."""
    house.ehr.extensions["sandbox_store"]._connection.execute("DELETE FROM resource WHERE id = ?", (name,))


def provenances(house: House, name: str) -> list[dict[str, Any]]:
    """Return what the chart says of who computed the scores of a response."""
    store = house.ehr.extensions["sandbox_store"]
    found = store.search("Provenance", [("_count", "500")]).resources
    source = {"role": "source", "what": {"reference": f"QuestionnaireResponse/{name}"}}
    return [one for one in found if source in one.get("entity", [])]


def test_deleted_response_takes_its_scores_with_it(house: House) -> None:
    """The next round marks the scores entered in error, once, and leaves those of another response alone."""
    name, other = scored(house), scored(house)
    delete(house, name)

    dry = look(house, write=False)
    unchanged = told(scores(house, name))
    found = look(house)
    house.deliver()
    again = look(house)

    assert (dry, found, again) == ({name: "retracted"}, {name: "retracted"}, {})
    assert {status for status, _ in unchanged.values()} == {"final"}
    assert told(scores(house, name)) == WITHDRAWN
    assert {status for status, _ in told(scores(house, other)).values()} == {"final"}
    assert standings(house) == [("delivered", None)] * 3


def test_edited_score_of_a_deleted_response_stays(house: House) -> None:
    """A score that somebody changed in the chart is not withdrawn with its response: a person decides (F17)."""
    name = scored(house)
    edited(house, name, valueQuantity={"value": 3})
    delete(house, name)

    look(house)
    house.deliver()

    assert told(scores(house, name))["visit-check-in-core"] == ("final", 3)
    assert standings(house)[-1] == ("held", "changed-by-ehr")


@pytest.mark.parametrize("lost", ["search", "read"])
def test_one_look_does_not_prove_a_deletion(house: House, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    """A response that only a search, or only a read, does not find is not deleted."""
    scored(house)
    read, search = FhirClient.read, FhirClient.search

    def not_read(client: FhirClient, kind: str, name: str) -> Any:
        if kind == "QuestionnaireResponse":
            raise FhirError(404, "")
        return read(client, kind, name)

    def not_found(client: FhirClient, kind: str, params: Any, **options: Any) -> SearchResult:
        hidden = [*params, ("status", "in-progress")] if kind == "QuestionnaireResponse" else params
        return search(client, kind, hidden, **options)

    monkeypatch.setattr(FhirClient, lost, not_read if lost == "read" else not_found)

    assert look(house) == {}
    assert standings(house) == [("delivered", None)]


def test_a_round_ends_well_where_deletions_cannot_be_found_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EHR that cannot be asked for deleted responses has the others scored all the same."""
    scored(house)
    new = put(house, filled(house))
    search = FhirClient.search

    def fails(client: FhirClient, kind: str, params: Any, **options: Any) -> SearchResult:
        if any(key == "_id" for key, _ in params):
            raise EhrUnreachable("cut")
        return search(client, kind, params, **options)

    monkeypatch.setattr(FhirClient, "search", fails)

    assert look(house) == {new: "scored"}


def test_the_chart_says_who_computed_the_scores(house: House) -> None:
    """Scores, and what becomes of them, have one Provenance each: this program, the author and the response."""
    name = scored(house, author={"reference": f"Patient/{MARIA}"})
    house.deliver()
    first = provenances(house, name)
    delete(house, name)
    look(house)
    house.deliver()

    assert len(first) == 1
    assert {each["reference"] for each in first[0]["target"]} == {
        f"Observation/{one['id']}" for one in scores(house, name).values()
    }
    assert [each["type"]["coding"][0]["code"] for each in first[0]["agent"]] == ["author", "assembler"]
    activities = sorted(each["activity"]["coding"][0]["code"] for each in provenances(house, name))
    assert activities == ["CREATE", "NULLIFY"]


def test_what_is_not_scored_is_told_until_it_is(house: House) -> None:
    """The administrators' page names a refused response and why, without answers, until a later version is scored."""
    name = put(house, filled(house, item=asked({"99": "7"})))
    look(house)
    admin, _ = house.admin()
    refused = admin.open(house.url("/admin/")).text
    change(house, name, item=asked(CORE))
    look(house)
    mended = admin.open(house.url("/admin/")).text

    assert name in refused
    assert "Its answers do not fit the form that it names." in refused
    assert MARIA not in refused
    assert name not in mended
    assert Book(house.services.engine).refused(limit=9) == ()
