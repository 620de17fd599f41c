"""Forms that are asked, as Tasks at our FHIR endpoint, for readers of that EHR and nobody else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fhir.resources.R4B.task import Task

from fhir_alliance.tables import audit
from smart_app.demo.site import Site

from .house import AOIFE, CORE, MARIA, THOMAS, House
from .reading import Reader, entries, get

READER = Reader(scopes="system/Task.rs")
OTHER = Reader("other", scopes="system/Observation.rs")
SECOND = Reader("second", scopes="system/Task.rs")


def readers(site: Site) -> None:
    """Register a second EHR, with a reader of Tasks for each of the two and one of scores alone."""
    text = site.settings.read_text()
    harbor = text[text.index("[ehr.harbor]") :].partition("[ehr.harbor.clinician]")[0]
    site.settings.write_text(text + harbor.replace("ehr.harbor", "ehr.bay").replace('/fhir"', '/bay/fhir"'))
    READER.register(site)
    OTHER.register(site)
    SECOND.register(site, ehr="bay")


@pytest.fixture(scope="module")
def house(opener: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Open a house where three charts were opened: Maria has answered, Thomas has begun and his therapist not."""
    with opener(tmp_path_factory.mktemp("tasks"), change=readers) as opened:
        person, page = opened.handed(MARIA)
        review = person.submit(page, page.form("/form"), **CORE, action="review")
        person.submit(review, review.form("/send"))
        person, page = opened.handed(THOMAS)
        person.submit(page, page.form("/form"), **CORE, action="review")
        opened.clinician(AOIFE)
        yield opened


@pytest.fixture(scope="module")
def token(house: House) -> str:
    """Return a reader's token."""
    return READER.token(house)


def found(house: House, query: str, token: str) -> list[tuple[str, str]]:
    """Return patient and status of each Task that a search finds."""
    tasks = entries(get(house, f"Task?{query}", token))
    return [(each["for"]["reference"].rpartition("/")[2], each["status"]) for each in tasks]


def test_what_is_asked_is_served(house: House, token: str) -> None:
    """Each form is a valid Task with its state; what it refers to are addresses in the EHR."""
    tasks = entries(get(house, "Task", token))

    assert {(each["for"]["reference"].rpartition("/")[2], each["status"]) for each in tasks} == {
        (MARIA, "completed"),
        (THOMAS, "in-progress"),
        (THOMAS, "requested"),
        (AOIFE, "requested"),
    }
    for each in tasks:
        Task.model_validate(each)
        assert each["encounter"]["reference"].startswith(f"{house.site.fhir_base}/Encounter/")
        assert get(house, f"Task/{each['id']}", token).json() == each


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"patient={MARIA}", [(MARIA, "completed")]),
        (f"patient=Patient/{MARIA},{THOMAS}", [(MARIA, "completed"), (THOMAS, "in-progress"), (THOMAS, "requested")]),
        ("status=completed", [(MARIA, "completed")]),
        ("status=http://hl7.org/fhir/task-status|requested", [(THOMAS, "requested"), (AOIFE, "requested")]),
        ("status=urn:other|requested", []),
        (f"status=requested,completed&patient={AOIFE}", [(AOIFE, "requested")]),
        ("encounter=Encounter/maria-lopez-v14", [(MARIA, "completed")]),
        ("encounter=Encounter/none", []),
        ("_id=0", []),
        ("_count=1&status=requested", [(THOMAS, "requested")]),
    ],
)
def test_searches(house: House, token: str, query: str, expected: list[tuple[str, str]]) -> None:
    """Each parameter finds what fits and nobody else's."""
    assert found(house, query, token) == expected


def test_a_task_is_found_by_its_identifier(house: House, token: str) -> None:
    """What names a Task here and in the EHR finds it, and nothing else does."""
    for each in entries(get(house, "Task", token)):
        (name,) = each["identifier"]
        assert [
            task["id"] for task in entries(get(house, f"Task?identifier={name['system']}|{name['value']}", token))
        ] == [each["id"]]
        assert entries(get(house, f"Task?identifier=urn:other|{name['value']}", token)) == []


def test_pages(house: House, token: str) -> None:
    """`next` leads through everything once, one at a time; 0 counts."""
    everything, pages, address = entries(get(house, "Task", token)), [], "Task?_count=1"
    while address:
        reply = get(house, address, token)
        pages += entries(reply)
        address = next((link["url"] for link in reply.json()["link"] if link["relation"] == "next"), "")

    counted = get(house, "Task?_count=0", token).json()
    assert pages == everything
    assert (counted["total"], "entry" in counted) == (len(everything), False)


def test_who_may_not(house: House, token: str) -> None:
    """Without a token, with one for scores, or of another EHR nothing is seen; what is not there does not exist."""
    assert get(house, "Task").status_code == 401
    assert get(house, "Task", OTHER.token(house)).status_code == 403
    second = SECOND.token(house)
    assert entries(get(house, "Task", second)) == []
    assert get(house, "Task/1", second).status_code == 404
    assert [get(house, f"Task/{name}", token).status_code for name in ("0", "99", "x", "1,2")] == [404] * 4


def test_reading_is_noted(house: House, token: str) -> None:
    """Whose forms were read stands in the audit trail."""
    get(house, f"Task?patient={AOIFE}", token)

    last = house.rows(audit)[-1]
    assert (last["event"], last["patient"], last["actor"]) == ("records.read", AOIFE, "reader:registry")


def test_overdue_is_failed(house: House, token: str) -> None:
    """A form whose time is over is failed, and what was answered stays completed."""
    house.ahead = timedelta(days=4)
    try:
        later = found(house, "", READER.token(house))
    finally:
        house.ahead = timedelta()

    assert later == [(MARIA, "completed"), (THOMAS, "failed"), (THOMAS, "failed"), (AOIFE, "failed")]


def test_the_endpoint_says_so(house: House) -> None:
    """What can be read and searched stands in the statement, and the scope in the configuration."""
    stated = {each["type"]: each for each in get(house, "metadata").json()["rest"][0]["resource"]}

    assert {each["name"] for each in stated["Task"]["searchParam"]} == {
        "_id",
        "patient",
        "identifier",
        "encounter",
        "status",
    }
    assert "system/Task.rs" in get(house, ".well-known/smart-configuration").json()["scopes_supported"]
