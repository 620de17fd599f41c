"""What is asked, as Tasks in the EHR: each once, following the assignment, and never in anybody's way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fhir.resources.R4B.task import Task
from flask import Response, request

from fhir_alliance.ehr.draft import TASK_SCOPES, VISIT_SCOPES
from fhir_alliance.tables import assignments, task_mirrors
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import CORE, MARIA, House
from .test_web_backend import granting
from .test_web_visits import POLL, encounter

FORM, EHR_LAUNCH, STANDALONE = "form", "ehr-launch", "standalone-launch"


def mirroring(*shapes: str, granted: str = "", more: str = "") -> Callable[[Site], None]:
    """Return a change of a site's files: its EHR gets Tasks in these shapes; `more` are scopes beside the needed."""
    scopes = f"{VISIT_SCOPES} {TASK_SCOPES} {more}".strip()

    def change(site: Site) -> None:
        granting(scopes, granted or scopes)(site)
        text = site.settings.read_text().replace("[ehr.harbor]\n", f"[ehr.harbor]\ntasks = {[*shapes]}\n")
        site.settings.write_text(text + POLL)

    return change


@pytest.fixture
def own(make_house: MakeHouse) -> House:
    """Open a house whose EHR gets SDC Tasks."""
    return make_house(change=mirroring(FORM))


def assigned(house: House, *, hours: int = 3, step: int = 0) -> str:
    """Have one visit of a patient assigned; returns its reference."""
    visit = encounter(house, MARIA, start=house.now() + timedelta(hours=hours), status="planned")
    house.services.visits.watch(house.now() + timedelta(minutes=10 * step))
    return visit


def mirror(house: House, *, hours: int = 0) -> int:
    """Let the app keep its Tasks, as if some hours later."""
    return house.services.tasks.mirror(house.now() + timedelta(hours=hours))


def tasks(house: House, visit: str = "") -> list[dict[str, Any]]:
    """Return the Tasks of the EHR, about a visit or all."""
    asked = [("_count", "500"), *([("encounter", visit)] if visit else [])]
    found: list[dict[str, Any]] = house.ehr.extensions["sandbox_store"].search("Task", asked).resources
    return found


def move(house: House, visit: str, *, hours: int, step: int = 1, **more: Any) -> None:
    """Move a visit in the EHR to so many hours from now, and have the app notice that."""
    name = visit.removeprefix("Encounter/")
    encounter(house, MARIA, start=house.now() + timedelta(hours=hours), name=name, **more)
    house.services.visits.watch(house.now() + timedelta(minutes=10 * step))


def test_a_task_follows_its_assignment(own: House) -> None:
    """Each assignment has one valid Task, a draft until its form opens, then requested, and failed when it is late."""
    visit = assigned(own)
    mirror(own)
    everything, again = tasks(own), mirror(own)
    (planned,) = tasks(own, visit)
    move(own, visit, hours=-1, status="finished")
    mirror(own)
    (due,) = tasks(own, visit)
    move(own, visit, hours=-49, status="finished", step=2)
    mirror(own)
    (late,) = tasks(own, visit)

    assert 0 < len(everything) <= len(own.rows(assignments))
    assert again == 0
    assert [each["status"] for each in (planned, due, late)] == ["draft", "requested", "failed"]
    assert {each["id"] for each in (planned, due, late)} == {planned["id"]}
    assert late["restriction"]["period"]["end"] < own.now().isoformat()
    for each in everything:
        Task.model_validate(each)
    assert len({each["identifier"][0]["value"] for each in everything}) == len(everything)


def test_an_answered_form_completes_its_task(own: House) -> None:
    """When the form was sent, its Task is completed and names the response."""
    person, form = own.handed()
    mirror(own)
    review = person.submit(form, form.form("/form"), **CORE)
    person.submit(review, review.form("/send"))
    mirror(own)

    done = [each for each in tasks(own) if each["status"] == "completed"]
    assert [each["for"]["reference"] for each in done] == [f"Patient/{MARIA}"]
    assert done[0]["output"][0]["valueReference"]["identifier"]["value"].startswith("urn:uuid:")


def test_a_cancelled_visit_cancels_its_task(own: House) -> None:
    """A visit that is called off has its Task cancelled."""
    visit = assigned(own)
    mirror(own)
    start = own.now() + timedelta(hours=3)
    encounter(own, MARIA, start=start, name=visit.removeprefix("Encounter/"), status="cancelled")
    own.services.visits.watch(own.now() + timedelta(minutes=10))
    mirror(own)

    assert [each["status"] for each in tasks(own, visit)] == ["cancelled"]


def test_what_others_change_is_left_alone(own: House) -> None:
    """A Task that somebody at the EHR has moved on is never overwritten; what they only add stays when ours changes."""
    store = own.ehr.extensions["sandbox_store"]
    moved, noted = assigned(own), assigned(own, hours=4, step=1)
    mirror(own)
    (first,), (second,) = tasks(own, moved), tasks(own, noted)
    store.update({**first, "status": "accepted"})
    store.update({**second, "note": [{"text": "Called"}]})
    move(own, moved, hours=-1, step=2, status="finished")
    move(own, noted, hours=-1, step=3, status="finished")
    mirror(own)

    # A visit that was moved may be another one in number, for which another form is asked as well.
    left, kept = (store.read("Task", each["id"]) for each in (first, second))
    assert left["status"] == "accepted"
    assert (kept["status"], kept["note"]) == ("requested", [{"text": "Called"}])
    assert [row["state"] for row in own.rows(task_mirrors)].count("changed-elsewhere") == 1


def test_a_send_that_nobody_knows_of_is_looked_up(own: House) -> None:
    """When the answer to a create is lost, the Task is found by its identifier and not made again."""
    visit = assigned(own)
    lose_answers(own)
    mirror(own)
    lost = [row["state"] for row in own.rows(task_mirrors)]
    own.ehr.after_request_funcs[None].pop()
    mirror(own, hours=1)

    assert "unknown" in lost
    assert len(tasks(own, visit)) == 1
    assert len({each["identifier"][0]["value"] for each in tasks(own)}) == len(tasks(own))
    assert {row["state"] for row in own.rows(task_mirrors)} == {"written"}


def lose_answers(house: House) -> None:
    """Let the EHR do what it is asked about Tasks, and answer as if a proxy had lost what it said."""

    def lose(response: Response) -> Response:
        if request.method == "POST" and request.path.endswith("/Task"):
            return Response("gateway", status=502)
        return response

    house.ehr.after_request_funcs.setdefault(None, []).append(lose)


def test_a_lost_store_makes_no_second_task(own: House) -> None:
    """What was written is found again by its identifier when nothing is known of it here any more."""
    assigned(own)
    mirror(own)
    before = len(tasks(own))
    with own.services.engine.begin() as connection:
        connection.execute(task_mirrors.delete())
    mirror(own)

    assert len(tasks(own)) == before > 0


def test_a_refusal_stops_nothing(make_house: MakeHouse) -> None:
    """Where the EHR grants no Tasks, forms are assigned and answered all the same, and it is asked once an hour."""
    house = make_house(change=mirroring(FORM, granted=VISIT_SCOPES))
    visit = assigned(house)
    counts = [mirror(house), mirror(house)]
    calls = [each for each in house.traffic if "/fhir/Task" in each[1]]

    assert counts == [0, 0]
    assert len(calls) <= 1
    assert tasks(house) == []
    assert house.services.assignments.of_visit("harbor", MARIA, visit)


def test_launch_tasks(make_house: MakeHouse) -> None:
    """The same writer keeps Tasks that launch the app: by the EHR for each form, by themselves for patients only."""
    house = make_house(change=mirroring(EHR_LAUNCH, STANDALONE))
    visit = assigned(house)
    move(house, visit, hours=-1, status="finished")
    mirror(house)
    again = mirror(house)

    found = tasks(house, visit)
    assert again == 0
    codes = sorted(each["code"]["coding"][0]["code"] for each in found)
    assert codes == ["launch-app-ehr", "launch-app-standalone"]
    assert {each["status"] for each in found} == {"requested"}
    assert {each["input"][0]["valueUrl"] for each in found} == {house.url("/launch"), house.url("/start/harbor")}
    everyone = tasks(house)
    assert {each["for"]["reference"] for each in everyone if "standalone" in each["code"]["coding"][0]["code"]} == {
        each["owner"]["reference"] for each in everyone if "standalone" in each["code"]["coding"][0]["code"]
    }
