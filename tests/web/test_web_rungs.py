"""One visit at each kind of EHR: which rung it ends on, what the EHR has then, and what the clinician sees."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from fhir_alliance.delivery.receipts import State, place
from fhir_alliance.tables import attempts, submissions

from .house import CORE, House

Opened = Callable[[str], House]
ROW = "urn:oid:2.999.4711|1"


def answer(house: House) -> None:
    """Let a handed-over patient answer, and deliver what is due."""
    person, page = house.handed()
    review = person.submit(page, page.form("/form"), **CORE, action="review")
    person.submit(review, review.form("/send"))
    house.deliver()


def found(house: House, code: str) -> list[dict[str, Any]]:
    """Return Maria's Observations of a code in the EHR."""
    store = house.ehr.extensions["sandbox_store"]
    return list(store.search("Observation", [("patient", "maria-lopez"), ("code", code), ("_count", "200")]).resources)


@pytest.mark.parametrize(
    ("profile", "rung", "state"),
    [
        ("read-only-questionnaires", "observations", State.DELIVERED),
        ("flowsheet", "flowsheet", State.DELIVERED),
        ("lab-and-vitals-only", "note", State.DELIVERED),
        ("notes-only", "note", State.DELIVERED),
        ("fire-hose", "observations", State.UNKNOWN),
    ],
)
def test_a_visit_ends_on_the_declared_rung(open_at: Opened, profile: str, rung: str, state: State) -> None:
    """The rung is the one of the settings, and "in the chart" is said where it was read back, and only there."""
    house = open_at(profile)

    answer(house)

    (row,) = house.rows(submissions)
    assert (row["rung"], row["state"]) == (rung, state)
    assert "7.5" in house.clinician()[1].text or state is State.UNKNOWN


def test_a_flowsheet_row_holds_the_score(open_at: Opened) -> None:
    """The mapped row has the number with its time, and the view marks the score, which is not read from the row."""
    house = open_at("flowsheet")

    answer(house)

    (value,) = found(house, ROW)
    assert value["valueQuantity"]["value"] == 7.5
    assert value["note"][0]["text"].startswith("6 of 6 items answered. Unvalidated. ")
    assert [row["step"] for row in house.rows(attempts)] == ["flowsheet-1"]
    assert house.clinician()[1].text.count("kept here</span>") == 1


def test_a_lost_answer_is_looked_up_by_row_and_time(open_at: Opened) -> None:
    """A value that was written although nobody heard so is found without its identifier, and not written again."""
    house = open_at("flowsheet")
    answer(house)
    with house.services.engine.begin() as connection:
        connection.execute(attempts.update().values(outcome=None, status=None))
        connection.execute(submissions.update().values(state=State.UNKNOWN))

    house.deliver()

    assert len(found(house, ROW)) == 1
    assert [row["state"] for row in house.rows(submissions)] == [State.DELIVERED]


def test_a_row_that_is_taken_is_told(open_at: Opened) -> None:
    """What the EHR refuses is never called delivered: the clinician is told, and sees the score all the same."""
    house = open_at("flowsheet")
    person, page = house.handed()
    review = person.submit(page, page.form("/form"), **CORE, action="review")
    person.submit(review, review.form("/send"))
    (row,) = house.rows(submissions)
    (sent,) = orjson.loads(house.services.vault.open(row["pieces"], place=place("harbor", row["key"], "pieces")))
    house.ehr.extensions["sandbox_store"].create({**sent, "valueQuantity": {"value": 1, "unit": "score"}})

    house.deliver()

    assert [(row["state"], row["reason"]) for row in house.rows(submissions)] == [(State.REJECTED, "invalid")]
    assert "not in the chart" in house.clinician()[1].text


@pytest.mark.parametrize(
    ("more", "hides", "standing"),
    [(1, False, (State.HELD, "possible-duplicate")), (0, True, (State.UNKNOWN, "not-read-back"))],
)
def test_what_cannot_be_read_back_is_not_in_the_chart(
    open_at: Opened, more: int, hides: bool, standing: tuple[State, str]
) -> None:
    """Two values for one score, or none where one was written, are never called delivered."""
    house = open_at("flowsheet")
    answer(house)
    (value,) = found(house, ROW)
    store = house.ehr.extensions["sandbox_store"]
    for _ in range(more):
        store.create(value)
    if hides:
        store.update({**value, "subject": {"reference": "Patient/thomas-reyes"}})
    with house.services.engine.begin() as connection:
        connection.execute(submissions.update().values(state=State.UNKNOWN))

    house.deliver()

    assert [(row["state"], row["reason"]) for row in house.rows(submissions)] == [standing]


def test_a_changed_value_is_not_called_delivered(open_at: Opened) -> None:
    """A row whose value somebody changed at that very time is held for a person."""
    house = open_at("flowsheet")
    answer(house)
    (value,) = found(house, ROW)
    store = house.ehr.extensions["sandbox_store"]
    store.update({**value, "valueQuantity": {"value": 3, "unit": "score"}})
    with house.services.engine.begin() as connection:
        connection.execute(submissions.update().values(state=State.UNKNOWN))

    house.deliver()

    assert [(row["state"], row["reason"]) for row in house.rows(submissions)] == [(State.HELD, "changed-by-ehr")]
