"""Responses that other form fillers wrote into the EHR are scored once, or it is told why not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fhir_alliance.ehr.draft import HARVEST_SCOPES
from fhir_alliance.harvest.book import Book
from fhir_alliance.harvest.harvester import OVERLAP
from fhir_alliance.tables import audit, harvest_refusals, submissions

from .house import ADA, CORE, MARIA, THOMAS, House
from .test_web_backend import granting

MakeHouse = Callable[..., House]
Response = dict[str, Any]
SCOPES = HARVEST_SCOPES
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


def grouped(house: House) -> Response:
    """Return a response as Smart Forms writes it: groups, texts, weights, hidden scores, people, and a visit."""
    weight = {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 9}
    answer = {"valueCoding": {"system": ANSWERS, "code": "9", "display": "9", "extension": [weight]}}
    today = [{"linkId": str(number), "text": "Any", "answer": [answer]} for number in range(1, 5)]
    work = [{"linkId": "5", "answer": [answer]}, {"linkId": "6"}]
    return filled(
        house,
        encounter={"reference": "Encounter/maria-lopez-v14"},
        source={"reference": f"Patient/{MARIA}"},
        author={"reference": ADA},
        language="de",
        item=[
            {"linkId": "today", "item": today},
            {"linkId": "our-work", "item": work},
            {"linkId": "score-core", "answer": [{"valueInteger": 9}]},
        ],
    )


def test_groups_people_and_visit(house: House) -> None:
    """Groups, whole numbers and people are understood; the score belongs to the visit, its panel to who answered."""
    name = put(house, grouped(house))

    found = look(house)
    house.deliver()

    assert found == {name: "scored"}
    panel, score = (scores(house, name)[code] for code in ("visit-check-in", "visit-check-in-core"))
    assert score["valueQuantity"]["value"] == 9
    assert score["encounter"] == {"reference": "Encounter/maria-lopez-v14"}
    assert panel["performer"] == [{"reference": f"Patient/{MARIA}"}]
    assert [row["therapist"] for row in house.rows(submissions)] == [ADA]
    assert "harvest.claim-differs" not in {row["event"] for row in house.rows(audit)}


def test_wrong_total_is_a_claim(house: House) -> None:
    """A submitted total that the answers do not give is noted in the audit trail; ours is written."""
    wrong = {"linkId": "score-core", "answer": [{"valueDecimal": 2.5}]}
    name = put(house, filled(house, item=[*asked(CORE), wrong]))

    (finding,) = house.services.harvester.harvest("harbor", since=house.opened)
    house.deliver()

    assert (finding.outcome, finding.claim_differs) == ("scored", True)
    assert told(scores(house, name))["visit-check-in-core"] == ("final", 7.5)
    assert [row["patient"] for row in house.rows(audit) if row["event"] == "harvest.claim-differs"] == [MARIA]


RELATIVE = {"reference": "RelatedPerson/someone"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown version": ({"questionnaire": f"{FORMS}/visit-check-in-patient-core|9.0.0"}, "unknown-version"),
    "unknown option": ({"item": asked({**CORE, "1": "11"})}, "invalid"),
    "option of another system": ({"item": [{"linkId": "1", "answer": [{"valueCoding": {"code": "7"}}]}]}, "invalid"),
    "unknown question": ({"item": asked({**CORE, "99": "7"})}, "invalid"),
    "two answers": ({"item": [{"linkId": "1", "answer": [chosen("7"), chosen("8")]}]}, "invalid"),
    "another type": ({"item": [{"linkId": "1", "answer": [{"valueString": "7"}]}]}, "invalid"),
    "no date": ({"authored": None}, "invalid"),
    "a day only": ({"authored": "2026-11-12"}, "invalid"),
    "no shape": ({"item": {"linkId": "1"}}, "invalid"),
    "a person unknown here": ({"subject": {"reference": "Patient/nobody"}}, "patient-gone"),
    "about a group": ({"subject": {"reference": "Group/g1"}}, "invalid"),
    "answered by a relative": ({"source": RELATIVE}, "another-rater"),
    "written by a relative": ({"author": RELATIVE}, "another-rater"),
    "answered by a clinician": ({"source": {"reference": ADA}}, "another-rater"),
    "answered by another patient": ({"source": {"reference": f"Patient/{THOMAS}"}}, "another-rater"),
    "a therapist's form by the patient": (
        {
            "questionnaire": f"{FORMS}/visit-check-in-therapist-core|1.0.0",
            "author": {"reference": f"Patient/{MARIA}"},
        },
        "another-rater",
    ),
    "a therapist's form by nobody": (
        {"questionnaire": f"{FORMS}/visit-check-in-therapist-core|1.0.0"},
        "another-rater",
    ),
}


def test_what_is_no_answer_is_refused(house: House) -> None:
    """Everything that is no answer to its form, or by somebody else, is told once with its reason."""
    names = {}
    for title, (changed, reason) in REFUSED.items():
        response = {name: value for name, value in filled(house, **changed).items() if value is not None}
        names[put(house, response)] = (title, reason)

    found = look(house)
    again, looked_again = look(house), look(house, again=True)

    assert found == {name: reason for name, (_, reason) in names.items()}
    assert (again, looked_again) == ({}, found)
    assert {row["response"]: row["reason"] for row in house.rows(harvest_refusals)} == found
    assert [row["event"] for row in house.rows(audit)].count("harvest.refused") == len(found)
    assert (house.rows(submissions), house.deliver()) == ([], 0)


@pytest.mark.parametrize(
    "changed",
    [{"status": "in-progress"}, {"status": "stopped"}, {"status": "entered-in-error"}, {"questionnaire": "urn:x|1"}],
)
def test_what_is_not_ours_to_score_is_left(house: House, changed: dict[str, str]) -> None:
    """An unfinished response, a withdrawn one that was never scored, and one to another form are nothing to tell."""
    put(house, filled(house, **changed))

    assert (look(house), house.rows(submissions), house.rows(harvest_refusals)) == ({}, [], [])


def test_therapists_own_rating(house: House) -> None:
    """A therapist's form that its author answered gets the therapist's scores."""
    named = {"questionnaire": f"{FORMS}/visit-check-in-therapist-core|1.0.0", "author": {"reference": ADA}}
    name = put(house, filled(house, **named))

    look(house)
    house.deliver()

    assert told(scores(house, name))["visit-check-in-therapist-core"] == ("final", 7.5)


@pytest.mark.parametrize("visit", ["Encounter/thomas-reyes-v1", "Encounter/nowhere", "EpisodeOfCare/1"])
def test_foreign_visit_is_left_out(house: House, visit: str) -> None:
    """The visit of another patient, or one that is not there, is left out of the scores (F36)."""
    name = put(house, filled(house, encounter={"reference": visit}))

    found = look(house)
    house.deliver()

    assert found == {name: "scored"}
    assert all("encounter" not in each for each in scores(house, name).values())


def holding(site: Any) -> None:
    """Let a site look for responses by itself, and leave those with a foreign visit to a person."""
    granting(SCOPES)(site)
    section = '\n[ehr.harbor.harvest]\nevery_minutes = 15\nforeign_visit = "hold"\n'
    site.settings.write_text(site.settings.read_text() + section)


def test_foreign_visit_is_held_where_a_site_says_so(make_house: MakeHouse) -> None:
    """By a site's rule nothing is scored as long as the visit is not the patient's (F36)."""
    house = make_house(change=holding)
    name = put(house, filled(house, encounter={"reference": "Encounter/thomas-reyes-v1"}))

    assert (look(house), house.rows(submissions)) == ({name: "foreign-visit"}, [])


def test_rounds_follow_the_settings(make_house: MakeHouse, quiet_log: list[dict[str, str]]) -> None:
    """An EHR is looked through as often as the site says, from a little before the last round; none other is."""
    house = make_house(change=holding)
    harvester, opened = house.services.harvester, house.opened
    Book(house.services.engine).keep_round("harbor", looked_until=opened + OVERLAP, at=opened - timedelta(hours=1))
    first = put(house, filled(house))
    due = harvester.harvest_due(house.now())
    put(house, filled(house))
    too_early = harvester.harvest_due(house.now() + timedelta(minutes=14))
    taken = [row["response_id"] for row in house.rows(submissions)]
    later = harvester.harvest_due(house.now() + timedelta(minutes=16))
    house.stop_ehr()
    without_ehr = harvester.harvest_due(house.now() + timedelta(minutes=32))

    assert (due, too_early, later, without_ehr) == (1, 0, 1, 1)
    assert taken == [first]
    assert len(house.rows(submissions)) == 2
    assert "harvest.unread" in {entry["event"] for entry in quiet_log}


def test_changed_answers_amend_the_scores(house: House) -> None:
    """Another version of a response re-issues the same Observations as amended, and they keep their time (O20)."""
    first = filled(house)
    name = put(house, first)
    look(house)
    house.deliver()
    before = scores(house, name)
    later = (house.now() + timedelta(days=1)).isoformat(timespec="seconds")
    change(house, name, item=asked({**CORE, "1": "2"}), authored=later)

    found = look(house)
    house.deliver()

    assert found == {name: "scored"}
    after = scores(house, name)
    assert told(after) == {"visit-check-in": ("amended", None), "visit-check-in-core": ("amended", 6.5)}
    assert {one["id"] for one in after.values()} == {one["id"] for one in before.values()}
    assert {one["effectiveDateTime"] for one in after.values()} == {first["authored"]}
    assert after["visit-check-in"]["hasMember"] == before["visit-check-in"]["hasMember"]


def test_touched_response_changes_nothing(house: House) -> None:
    """A new version with the same answers leaves the Observations as they are."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    change(house, name, language="en")

    look(house)
    house.deliver()

    assert told(scores(house, name))["visit-check-in-core"] == ("final", 7.5)
    assert {one["meta"]["versionId"] for one in scores(house, name).values()} == {"1"}
    assert standings(house) == [("delivered", None)] * 2


def test_version_of_yesterday_is_not_written(house: House) -> None:
    """A response that changed before its scores were sent gets those of the present version only."""
    name = put(house, filled(house))
    look(house)
    change(house, name, item=asked({**CORE, "1": "2"}))
    look(house)

    house.deliver()
    house.deliver()

    assert standings(house) == [("held", "superseded"), ("delivered", None)]
    assert told(scores(house, name))["visit-check-in-core"][1] == 6.5
    assert house.services.outbox.held_for("harbor", MARIA) == ()


def test_withdrawn_response_withdraws_its_scores(house: House) -> None:
    """A response entered in error takes panel and scores with it; one put right again brings them back (O21)."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    change(house, name, status="entered-in-error", item=None)

    withdrawn = look(house)
    house.deliver()
    between = told(scores(house, name))
    nothing_more = look(house)
    change(house, name, status="amended", item=asked(CORE))
    look(house)
    house.deliver()

    assert (withdrawn, nothing_more) == ({name: "retracted"}, {})
    assert between == {"visit-check-in": ("entered-in-error", None), "visit-check-in-core": ("entered-in-error", 7.5)}
    assert told(scores(house, name))["visit-check-in-core"] == ("amended", 7.5)
    assert standings(house) == [("delivered", None)] * 3


def test_withdrawn_before_it_was_scored(house: House) -> None:
    """A response withdrawn before its scores were sent gets none (F33)."""
    name = put(house, filled(house))
    look(house)
    change(house, name, status="entered-in-error")
    look(house)

    house.deliver()
    house.deliver()

    assert (scores(house, name), standings(house)) == ({}, [("held", "superseded"), ("delivered", None)])


def test_deleted_response_is_not_scored(house: House) -> None:
    """Without its response a score has nothing to derive from."""
    name = put(house, filled(house))
    look(house)
    store = house.ehr.extensions["sandbox_store"]
    store._connection.execute("DELETE FROM resource WHERE id = ?", (name,))

    house.deliver()

    assert (scores(house, name), standings(house)) == ({}, [("held", "superseded")])


def edited(house: House, name: str, **changed: Any) -> None:
    """Let somebody at the EHR change the core score of a response."""
    store = house.ehr.extensions["sandbox_store"]
    store.update({**scores(house, name)["visit-check-in-core"], **changed})


def test_edit_in_the_chart_is_not_overwritten(house: House) -> None:
    """A score that somebody changed in the chart stays, and a person decides (F17)."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    edited(house, name, valueQuantity={"value": 3})
    change(house, name, item=asked({**CORE, "1": "2"}))

    look(house)
    house.deliver()

    assert told(scores(house, name))["visit-check-in-core"] == ("final", 3)
    assert standings(house)[-1] == ("held", "changed-by-ehr")


def by_another_app(name: str) -> Response:
    """Return a score that another program has extracted from a response, with our code."""
    code = {"system": "https://fhir-alliance.org/fhir/CodeSystem/alliance", "code": "visit-check-in-core"}
    survey = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [survey]}],
        "code": {"coding": [code]},
        "subject": {"reference": f"Patient/{MARIA}"},
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{name}"}],
        "valueQuantity": {"value": 7.5},
    }


def test_what_another_program_scored_is_not_doubled(house: House) -> None:
    """Scores that another program extracted, before we look or before we send, stay the only ones, and that is told."""
    store = house.ehr.extensions["sandbox_store"]
    first = put(house, filled(house))
    store.create(by_another_app(first))
    found = look(house)
    second = put(house, filled(house))
    look(house)
    store.create(by_another_app(second))

    house.deliver()

    assert found == {first: "scored-elsewhere"}
    assert standings(house) == [("held", "scored-elsewhere")]
    assert [set(scores(house, name)) for name in (first, second)] == [{"visit-check-in-core"}] * 2
    assert house.services.outbox.held_for("harbor", MARIA) == ()


def test_merged_patient_gets_nothing(house: House) -> None:
    """A patient who has changed since the response was found is not written to (F35)."""
    name = put(house, filled(house))
    look(house)
    store = house.ehr.extensions["sandbox_store"]
    store.update({**store.read("Patient", MARIA), "birthDate": "1960-01-01"})

    house.deliver()

    assert (scores(house, name), standings(house)) == ({}, [("held", "patient-changed")])


def test_moved_response_is_left_to_a_person(house: House) -> None:
    """A response that the EHR has moved to another patient is not scored for either (F21)."""
    name = put(house, filled(house))
    look(house)
    change(house, name, subject={"reference": f"Patient/{THOMAS}"})

    house.deliver()

    assert standings(house) == [("held", "subject-rewritten")]
    assert (scores(house, name), scores(house, name, THOMAS)) == ({}, {})


def test_what_others_wrote_is_not_withdrawn_here(house: House) -> None:
    """A response of another program is listed without a way to take it back; asking for that is a 404."""
    put(house, filled(house))
    look(house)
    key = house.rows(submissions)[-1]["key"]
    clinician, chart = house.clinician()
    base = chart.url.removesuffix("/chart")

    delivery = clinician.open(f"{base}/delivery")
    direct = clinician.open(f"{base}/sent/{key}/withdraw")

    assert key in delivery.text
    assert f"{key}/withdraw" not in delivery.text
    assert direct.status == 404
