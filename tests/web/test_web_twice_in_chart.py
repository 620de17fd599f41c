"""Twice in the chart after all: when a person has marked one copy as entered in error, the other one is what counts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fhir_alliance.delivery.findings import Found
from fhir_alliance.delivery.receipts import State
from fhir_alliance.records.corrections import STRUCK
from fhir_alliance.tables import attempts, submissions

from .house import House
from .test_web_corrected_rungs import TENS, change, standings, stored, take_back
from .test_web_taken_back_rungs import later, lost

Opened = Callable[[str], House]
Copies = list[list[dict[str, Any]]]
DONE, TWICE = (State.DELIVERED, None), (State.HELD, "possible-duplicate")
RUNGS = ["generous", "flowsheet", "notes-only"]
KINDS = ("QuestionnaireResponse", "Observation", "DocumentReference")
rungs = pytest.mark.parametrize("profile", RUNGS)
either = pytest.mark.parametrize("struck", [0, 1], ids=["the-first", "the-second"])


def chart(house: House) -> list[dict[str, Any]]:
    """Return everything that was written into the chart today."""
    found = [each for kind in KINDS for each in stored(house, kind)]
    return [each for each in found if each["meta"]["lastUpdated"] >= house.opened.isoformat()[:19]]


def write_again(house: House) -> Copies:
    """Write what is in the chart once more, as an EHR does that was asked twice; returns both copies."""
    first = chart(house)
    second = [house.ehr.extensions["sandbox_store"].create(each) for each in first]
    return [first, second]


def strike(house: House, copy: list[dict[str, Any]]) -> None:
    """Mark one copy as entered in error, as a person does in the EHR."""
    for each in copy:
        house.ehr.extensions["sandbox_store"].update({**each, "status": STRUCK})


def twice(house: House) -> Copies:
    """Send a form again whose first send was lost; that one is written late, and a person is told (F07)."""
    lost(house, commit=False)
    later(house, minutes=16)
    copies = write_again(house)
    house.services.courier.look_again(house.now() + timedelta(hours=1))
    assert standings(house) == [TWICE]
    return copies


def release(house: House) -> None:
    """Say that somebody has corrected the chart, and let the form go on."""
    row = house.rows(submissions)[-1]
    house.services.releasing.release(row["key"], by="Jo Park", said=Found.CHART_CORRECTED)
    house.deliver()


@either
@rungs
def test_f07_released_when_one_of_two_copies_is_in_error(open_at: Opened, profile: str, struck: int) -> None:
    """Whichever copy was marked, the form is in the chart by the other: neither held again, nor sent again."""
    house = open_at(profile)
    copies = twice(house)
    strike(house, copies[struck])
    sent = len(house.rows(attempts))

    release(house)
    looked = house.services.courier.look_again(house.now() + timedelta(hours=2))

    assert (standings(house), looked) == ([DONE], 1)
    assert (len(house.rows(attempts)), len(chart(house))) == (sent, 2 * len(copies[0]))


@rungs
def test_f07_both_copies_in_error_are_for_a_person(open_at: Opened, profile: str) -> None:
    """What somebody has taken out altogether is not put back: it is held, and nothing is sent."""
    house = open_at(profile)
    for copy in twice(house):
        strike(house, copy)
    sent = len(house.rows(attempts))

    release(house)

    assert standings(house) == [(State.HELD, "changed-by-ehr")]
    assert len(house.rows(attempts)) == sent


@either
@pytest.mark.parametrize("profile", ["generous", "notes-only"])
def test_f34_taken_back_after_one_of_two_copies(open_at: Opened, profile: str, struck: int) -> None:
    """The copy that a person has left is found and marked when the form is taken back, whichever it is (F34)."""
    house = open_at(profile)
    copies = twice(house)
    strike(house, copies[struck])
    release(house)

    take_back(house, house.rows(submissions)[0]["key"])

    assert standings(house) == [DONE, DONE]
    assert {each["status"] for each in chart(house)} == {STRUCK}


@either
def test_f34_taken_back_where_a_person_has_to_mark_it(open_at: Opened, struck: int) -> None:
    """Rows that the EHR lets nobody change wait for a person; when both copies are marked it is done, unsent (F34)."""
    house = open_at("flowsheet")
    copies = twice(house)
    strike(house, copies[struck])
    release(house)

    take_back(house, house.rows(submissions)[0]["key"])
    waiting, there = standings(house), chart(house)
    strike(house, copies[1 - struck])
    house.services.releasing.retry(house.rows(submissions)[-1]["key"], by="Jo Park")
    house.deliver()

    assert waiting == [DONE, (State.HELD, "no-updates")]
    assert standings(house) == [DONE, DONE]
    assert {each["id"] for each in chart(house)} == {each["id"] for each in there}


@either
def test_f33_changed_after_one_of_two_copies(open_at: Opened, struck: int) -> None:
    """The copy that a person has left is what is amended, and the other stays in error (F33)."""
    house = open_at("generous")
    copies = twice(house)
    strike(house, copies[struck])
    release(house)

    change(house, **TENS)

    left = {each["id"]: each["status"] for each in chart(house) if each["resourceType"] != "DocumentReference"}
    assert standings(house) == [DONE, DONE]
    assert {left[each["id"]] for each in copies[struck]} == {STRUCK}
    assert {left[each["id"]] for each in copies[1 - struck]} == {"amended"}
