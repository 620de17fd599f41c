"""What is taken back before it is known to be in the chart, where the EHR holds single values or notes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Response, abort, request

from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.releasing import Releasing
from fhir_alliance.store import transaction
from fhir_alliance.tables import attempts, submissions

from .house import CORE, House
from .test_web_corrected_rungs import FIVES, answer, standings, stored, take_back, text_of

Opened = Callable[[str], House]
GONE, DONE = (State.REPLACED, None), (State.DELIVERED, None)


@contextmanager
def creating(house: House, status: int, *, commit: bool = False) -> Iterator[None]:
    """Answer whatever is to be created with a status as long as the block runs; with `commit` it is written."""

    def before() -> None:
        if request.method == "POST" and "/fhir" in request.path and not commit:
            abort(status)

    def after(response: Response) -> Response:
        if request.method == "POST" and "/fhir" in request.path:
            response.status_code = status
        return response

    first = house.ehr.before_request_funcs.setdefault(None, [])
    last = house.ehr.after_request_funcs.setdefault(None, [])
    first.insert(0, before)
    last.insert(0, after)
    yield
    first.remove(before)
    last.remove(after)


def lost(house: House, form: str = "core", *, commit: bool, **answers: str) -> str:
    """Let a patient answer a form of which nobody hears whether it was written; returns its key."""
    with creating(house, 500, commit=commit):
        return answer(house, form, **(answers or CORE))


def later(house: House, **passed: float) -> None:
    """Let time pass for what is kept, then deliver what is due."""
    by = timedelta(**passed)
    with transaction(house.services.engine) as connection:
        for row in house.rows(submissions):
            moved = {name: row[name] - by for name in ("next_attempt_at", "accepted_at")}
            connection.execute(submissions.update().values(moved).where(submissions.c.key == row["key"]))
        for row in house.rows(attempts):
            began = attempts.update().values(started_at=row["started_at"] - by)
            connection.execute(began.where(attempts.c.id == row["id"]))
    house.deliver()


def creates(house: House) -> list[str]:
    """Return the steps of what was sent to be created."""
    steps = [row["step"] for row in house.rows(attempts)]
    return [each for each in steps if each.startswith(("flowsheet", "note"))]


def rows(house: House) -> list[tuple[str, float]]:
    """Return status and value of the flowsheet rows in the chart."""
    found = [each for each in stored(house, "Observation") if each["code"]["coding"][0]["system"].startswith("urn:")]
    return [(each["status"], each["valueQuantity"]["value"]) for each in found]


def notes(house: House) -> list[tuple[str, str]]:
    """Return status and text of the notes in the chart."""
    return sorted((each["status"], text_of(each)) for each in stored(house, "DocumentReference"))


def test_f34_row_that_never_came(open_at: Opened) -> None:
    """It is looked for as long as it may come; then it is taken back, without a person, and never sent again (F34)."""
    house = open_at("flowsheet")
    key = lost(house, commit=False)

    take_back(house, key)
    later(house, minutes=1)
    waiting = standings(house)
    later(house, minutes=16)

    assert waiting == [(State.UNKNOWN, "ehr.refused"), (State.UNKNOWN, "not-read-back")]
    assert (standings(house), rows(house), len(creates(house))) == ([GONE, DONE], [], 1)


def test_f34_row_that_came_unheard(open_at: Opened) -> None:
    """Where no app may change a value a person is told, and marks it there: then it is taken back (F34)."""
    house = open_at("flowsheet")
    key = lost(house, commit=True)

    said = take_back(house, key)
    held = standings(house)
    (row,) = [each for each in stored(house, "Observation") if each["code"]["coding"][0]["system"].startswith("urn:")]
    house.ehr.extensions["sandbox_store"].update({**row, "status": "entered-in-error"})
    withdrawal = house.rows(submissions)[-1]["key"]
    Releasing(house.services.engine, {}, house.now).retry(withdrawal, by="admin")
    house.deliver()

    assert held[1] == (State.HELD, "no-updates")
    assert "please correct that one there" in said
    assert (standings(house), rows(house), len(creates(house))) == ([GONE, DONE], [("entered-in-error", 7.5)], 1)


@pytest.mark.parametrize("commit", [True, False], ids=["came", "never-came"])
@pytest.mark.parametrize("profile", ["notes-only", "lab-and-vitals-only"])
def test_f34_note_of_an_unknown_outcome(open_at: Opened, profile: str, commit: bool) -> None:
    """A note that is there is entered in error; one that is not is waited for, and never written (F07, F34)."""
    house = open_at(profile)
    key = lost(house, commit=commit)

    take_back(house, key)
    later(house, minutes=16)

    assert [status for status, _ in notes(house)] == (["entered-in-error"] if commit else [])
    assert (standings(house), creates(house)) == ([GONE, DONE], ["note"])


@pytest.mark.parametrize("commit", [True, False], ids=["came", "never-came"])
def test_note_of_two_forms_of_which_one_is_taken_back(open_at: Opened, commit: bool) -> None:
    """Of the second form nobody knows: the chart ends with one current note, which tells of the first alone."""
    house = open_at("notes-only")
    answer(house)
    key = lost(house, "full", commit=commit, **FIVES)

    take_back(house, key)
    later(house, minutes=16)

    found = notes(house)
    current = [text for status, text in found if status == "current"]
    assert ("core score: 7.5 on" in current[0], "full score" in current[0], len(current)) == (True, False, 1)
    assert [status for status, text in found if "full score" in text] == (["entered-in-error"] if commit else [])
    assert standings(house) == [DONE, GONE, DONE]
    assert creates(house) == ["note", "note"]


def test_form_that_is_in_a_later_note_is_not_called_never_sent(open_at: Opened) -> None:
    """Held before it was sent, and told by the note of the next form all the same: that note is in error."""
    house = open_at("notes-only")
    with creating(house, 403):
        key = answer(house, "full", **FIVES)
    answer(house)

    take_back(house, key)

    assert [(status, "core score: 7.5 on" in text, "full score" in text) for status, text in notes(house)] == [
        ("current", True, False),
        ("entered-in-error", True, True),
    ]
    assert standings(house) == [GONE, DONE, DONE]


def test_no_note_tells_of_what_was_taken_back_before(open_at: Opened) -> None:
    """The second form waits behind the first, which is taken back: its note is written without it."""
    house = open_at("notes-only")
    key = lost(house, "full", commit=False, **FIVES)
    answer(house)

    take_back(house, key)
    later(house, minutes=16)

    assert [(status, "full score" in text) for status, text in notes(house)] == [("current", False)]
    assert (standings(house), creates(house)) == ([GONE, DONE, DONE], ["note", "note"])
