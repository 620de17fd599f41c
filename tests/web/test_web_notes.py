"""The note of a visit in a real EHR: one that is current, whatever was lost, repeated or added."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask import abort, request

from fhir_alliance.delivery.receipts import State
from fhir_alliance.tables import attempts, submissions
from fhir_alliance.terms import NOTE_IDENTIFIER

from .house import CORE, MARIA, House

WITHOUT_A_VISIT = "elena-petrova"
Opened = Callable[[str], House]


def answer(house: House, form: str = "core", patient: str = MARIA, **answers: str) -> str:
    """Let a handed-over patient answer a form, deliver what is due, and return what the receipt says then."""
    person, page = house.handed(patient, form)
    review = person.submit(page, page.form("/form"), **(answers or CORE), action="review")
    receipt = person.submit(review, review.form("/send"))
    house.deliver()
    return person.open(receipt.url).text


def notes(house: House, patient: str = MARIA) -> list[dict[str, Any]]:
    """Return the notes in a patient's chart."""
    store = house.ehr.extensions["sandbox_store"]
    found = store.search("DocumentReference", [("patient", patient)]).resources
    return sorted(found, key=lambda note: str(note["status"]))


def text_of(note: dict[str, Any]) -> str:
    """Return the text of a note."""
    return base64.b64decode(note["content"][0]["attachment"]["data"]).decode()


def standings(house: House) -> list[tuple[str, str | None]]:
    """Return state and reason of every submission, in the order accepted."""
    rows = sorted(house.rows(submissions), key=lambda row: row["sequence"])
    return [(row["state"], row["reason"]) for row in rows]


def forget(house: House, **changed: Any) -> None:
    """Act as if the answer to every send had been lost."""
    with house.services.engine.begin() as connection:
        connection.execute(attempts.update().values(outcome=None, status=None))
        connection.execute(submissions.update().values(state=State.UNKNOWN, response_id=None, **changed))


def change(house: House, **changed: Any) -> None:
    """Let somebody change the note in the chart."""
    (note,) = notes(house)
    house.ehr.extensions["sandbox_store"].update({**note, **changed})


def refuse_changes() -> None:
    """Let nobody change what is in a chart."""
    if request.method == "PUT":
        abort(405)


@pytest.mark.parametrize("profile", ["notes-only", "lab-and-vitals-only"])
def test_a_visit_is_one_note(open_at: Opened, profile: str) -> None:
    """The note is in the chart with its text and page, and the person is told so in words that are true."""
    house = open_at(profile)

    said = answer(house)

    (note,) = notes(house)
    assert "filed as a note in your chart now" in said
    assert "core score: 7.5 on a scale from 0 to 10. 6 of 6 items answered." in text_of(note)
    assert [each["attachment"]["contentType"].partition(";")[0] for each in note["content"]] == [
        "text/plain",
        "application/pdf",
    ]
    assert standings(house) == [(State.DELIVERED, None)]
    assert [row["step"] for row in house.rows(attempts)] == ["note"]


@pytest.mark.parametrize("profile", ["notes-only", "lab-and-vitals-only"])
def test_a_second_form_replaces_the_note(open_at: Opened, profile: str) -> None:
    """The new note carries everything of the visit, names the one it replaces, and is the only current one."""
    house = open_at(profile)
    answer(house)

    answer(house, "full", **{str(item): "5" for item in range(1, 13)})

    current, old = notes(house)
    assert (current["status"], old["status"]) == ("current", "superseded")
    assert current["relatesTo"] == [{"code": "replaces", "target": {"reference": f"DocumentReference/{old['id']}"}}]
    assert text_of(current).count("core score: ") == 1
    assert "full score: 5 on a scale" in text_of(current)
    assert standings(house) == [(State.DELIVERED, None)] * 2


@pytest.mark.parametrize("profile", ["notes-only", "lab-and-vitals-only"])
def test_a_lost_answer_is_looked_up(open_at: Opened, profile: str) -> None:
    """A note that was written although nobody heard so is found, with its identifier or without, and not repeated."""
    house = open_at(profile)
    answer(house)
    forget(house)

    house.deliver()

    assert len(notes(house)) == 1
    assert standings(house) == [(State.DELIVERED, None)]


@pytest.mark.parametrize(
    ("changed", "standing"),
    [
        ({"status": "entered-in-error"}, (State.HELD, "changed-by-ehr")),
        ({"subject": {"reference": "Patient/thomas-reyes"}}, (State.UNKNOWN, "not-read-back")),
        ({"meta": {}}, (State.DELIVERED, "label-dropped")),
    ],
)
def test_what_became_of_a_note_is_told(open_at: Opened, changed: dict[str, Any], standing: tuple[str, str]) -> None:
    """A note that is withdrawn, filed elsewhere or without its labels is not simply called delivered."""
    house = open_at("notes-only")
    answer(house)
    change(house, **changed)
    forget(house)

    house.deliver()

    assert standings(house) == [standing]


def test_a_note_filed_under_somebody_else_is_held(open_at: Opened) -> None:
    """The id that the EHR gave is read again: another subject there is never overlooked."""
    house = open_at("notes-only")
    answer(house)
    change(house, subject={"reference": "Patient/thomas-reyes"})
    with house.services.engine.begin() as connection:
        connection.execute(submissions.update().values(state=State.UNKNOWN))

    house.deliver()

    assert standings(house) == [(State.HELD, "subject-rewritten")]


def test_what_a_later_note_carries_is_not_sent_again(open_at: Opened) -> None:
    """An earlier form that waited for a person is in the note of the later one already."""
    house = open_at("notes-only")
    person, page = house.handed()
    review = person.submit(page, page.form("/form"), **CORE, action="review")
    person.submit(review, review.form("/send"))
    with house.services.engine.begin() as connection:
        connection.execute(submissions.update().values(state=State.HELD, reason="cannot-read-back"))
    answer(house, "full", **{str(item): "5" for item in range(1, 13)})
    with house.services.engine.begin() as connection:
        connection.execute(
            submissions.update()
            .values(state=State.ACCEPTED, reason=None)
            .where(submissions.c.reason == "cannot-read-back")
        )

    house.deliver()

    assert len(notes(house)) == 1
    assert [state for state, _ in standings(house)] == [State.DELIVERED] * 2


def test_the_therapists_own_rating_is_never_noted(open_at: Opened) -> None:
    """It is kept here alone, and the receipt says so."""
    house = open_at("notes-only")
    person, chart = house.clinician()
    form = person.open(chart.url.replace("/chart", "/form"))
    review = person.submit(form, form.form("/form"), **CORE, action="review")

    receipt = person.submit(review, review.form("/send"))
    house.deliver()

    assert "never written into a note" in receipt.text
    assert notes(house) == []
    assert standings(house) == [(State.HELD, "own-rating")]
    assert "not in the chart:" not in house.clinician()[1].text


def test_a_note_that_became_another_one_is_held(open_at: Opened) -> None:
    """Under the id that the EHR gave, a note that names another submission is not taken for ours."""
    house = open_at("notes-only")
    answer(house)
    change(house, identifier=[{"system": NOTE_IDENTIFIER, "value": "somebody-elses"}])
    with house.services.engine.begin() as connection:
        connection.execute(submissions.update().values(state=State.UNKNOWN))

    house.deliver()

    assert standings(house) == [(State.HELD, "identifier-changed")]


def test_an_earlier_note_that_stays_is_told(open_at: Opened) -> None:
    """Where the EHR lets nobody change a note the new one still goes in, names what it replaces, and an alarm stays."""
    house = open_at("notes-only")
    answer(house)
    house.ehr.before_request_funcs.setdefault(None, []).insert(0, refuse_changes)

    answer(house, "full", **{str(item): "5" for item in range(1, 13)})

    first, second = notes(house)
    (newer,) = (note for note in (first, second) if "relatesTo" in note)
    assert [first["status"], second["status"]] == ["current", "current"]
    assert newer["relatesTo"][0]["code"] == "replaces"
    assert standings(house) == [(State.DELIVERED, None), (State.DELIVERED, "earlier-note-stays")]


def test_without_a_visit_a_day_is_one_note(open_at: Opened) -> None:
    """Forms that belong to no visit go into the note of their day, which names no encounter."""
    house = open_at("lab-and-vitals-only")

    for form, answers in (("core", CORE), ("full", {str(item): "5" for item in range(1, 13)})):
        answer(house, form, patient=WITHOUT_A_VISIT, **answers)

    current, old = notes(house, WITHOUT_A_VISIT)
    assert (current["status"], old["status"]) == ("current", "superseded")
    assert "encounter" not in current["context"]
    assert text_of(current).count("core score: ") == 1
