"""What is changed or taken back where the EHR holds single values, notes, or nothing of ours."""

import base64
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from fhir_alliance.delivery.correcting import Cause, Correction
from fhir_alliance.delivery.receipts import State
from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions
from smart_app.demo.site import Site, offer_filing

from .conftest import MakeHouse
from .house import ADA, CORE, MARIA, House, code_of
from .reading import Reader, entries, get, hold
from .test_web_same_view import plain, without_ratings

Opened = Callable[[str], House]
TENS = {str(item): "10" for item in range(1, 7)}
FIVES = {str(item): "5" for item in range(1, 13)}


def answer(house: House, form: str = "core", **answers: str) -> str:
    """Let a handed-over patient answer a form, deliver it, and return its key."""
    person, page = house.handed(form=form)
    review = person.submit(page, page.form("/form"), **(answers or CORE), action="review")
    receipt = person.submit(review, review.form("/send"))
    house.deliver()
    return str(receipt.url.rpartition("/")[2])


def change(house: House, **answers: str) -> str:
    """Let the patient change what was sent last, at home; returns what the receipt says after a delivery."""
    person, visits = house.at_home()
    receipt = person.open(visits.link("/receipt/"))
    form = person.open(receipt.link("/change"))
    review = person.submit(form, form.form("/change"), **answers, action="review")
    page = person.submit(review, review.form("/change/send"))
    house.deliver()
    return str(person.open(page.url).text)


def take_back(house: House, key: str) -> str:
    """Let a clinician withdraw a form; returns what their view says after a delivery."""
    person, chart = house.clinician()
    ask = person.open(f"{chart.url.rpartition('/')[0]}/sent/{key}/withdraw")
    person.submit(ask, ask.form("/withdraw"), cause="wrong-person")
    house.deliver()
    return str(person.open(chart.url).text)


def noting(site: Site) -> None:
    """Let a site write notes into an EHR that would take more."""
    offer_filing(site)
    site.settings.write_text(f'{site.settings.read_text()}\n[ehr.harbor.write]\nrung = "note"\nkeep_days = 3650\n')


def stored(house: House, kind: str) -> list[dict[str, Any]]:
    """Return what Maria's chart has of a type from us, newest first."""
    store = house.ehr.extensions["sandbox_store"]
    return list(store.search(kind, [("patient", MARIA), ("_sort", "-_lastUpdated")]).resources)


def text_of(note: dict[str, Any]) -> str:
    """Return the text of a note."""
    return base64.b64decode(note["content"][0]["attachment"]["data"]).decode()


def standings(house: House) -> list[tuple[str, str | None]]:
    """Return state and reason of every submission, in the order accepted."""
    rows = sorted(house.rows(submissions), key=lambda row: row["sequence"])
    return [(row["state"], row["reason"]) for row in rows]


READER = Reader()
DONE = (State.DELIVERED, None)


def test_rows_that_may_not_be_changed_are_for_a_person(open_at: Opened) -> None:
    """An EHR without updates keeps its value: both people are told so, and the view, kept here, shows the new one."""
    house = open_at("flowsheet")
    answer(house)

    said = change(house, **TENS)
    view = house.clinician()[1].text

    (row,) = [each for each in stored(house, "Observation") if each["code"]["coding"][0]["system"].startswith("urn:")]
    assert (row["status"], row["valueQuantity"]["value"]) == ("final", 7.5)
    assert standings(house) == [DONE, (State.HELD, "no-updates")]
    assert "Your chart still shows the answers before" in said.partition('role="status"')[2].partition("<span>")[2]
    assert ">10.0<" in view


@pytest.mark.parametrize("profile", ["lab-and-vitals-only"])
def test_changed_scores_are_a_new_note(open_at: Opened, profile: str) -> None:
    """The new note replaces the old one, and carries the changed scores alone."""
    house = open_at(profile)
    answer(house)

    said = change(house, **TENS)

    notes = {each["status"]: text_of(each) for each in stored(house, "DocumentReference")}
    assert set(notes) == {"current", "superseded"}
    assert "core score: 10 on" in notes["current"]
    assert "7.5" not in notes["current"]
    assert standings(house) == [DONE, DONE]
    assert "filed as a note" in said.partition('role="status"')[2].partition("<span>")[2]


@pytest.mark.parametrize("profile", ["lab-and-vitals-only"])
def test_note_of_a_withdrawn_form(open_at: Opened, profile: str) -> None:
    """The only form of the visit is taken back: its note is entered in error, and there is no other."""
    house = open_at(profile)
    key = answer(house)

    take_back(house, key)

    assert [each["status"] for each in stored(house, "DocumentReference")] == ["entered-in-error"]
    assert standings(house) == [DONE, DONE]


def test_who_took_a_note_back_is_told(make_house: MakeHouse) -> None:
    """Where an EHR takes a Provenance it says once who took the note back, and why (O23)."""
    house = make_house(change=noting)
    key = answer(house)

    take_back(house, key)
    house.deliver()

    (note,) = stored(house, "DocumentReference")
    told = house.ehr.extensions["sandbox_store"].search("Provenance", [("_count", "500")]).resources
    corrections = [each for each in told if {"text": "Entered for the wrong person."} in each.get("reason", ())]
    assert [each["target"] for each in corrections] == [[{"reference": f"DocumentReference/{note['id']}"}]]
    assert [each["activity"]["coding"][0]["code"] for each in corrections] == ["NULLIFY"]
    assert corrections[0]["agent"][0]["who"] == {"reference": ADA}


def test_note_of_the_forms_that_stay(open_at: Opened) -> None:
    """One of two forms is taken back: a new note tells of the other, and whatever told of it is entered in error."""
    house = open_at("notes-only")
    answer(house)
    key = answer(house, "full", **FIVES)

    take_back(house, key)

    notes = stored(house, "DocumentReference")
    assert sorted(each["status"] for each in notes) == ["current", "entered-in-error", "superseded"]
    (current,) = [each for each in notes if each["status"] == "current"]
    assert "core score: 7.5 on" in text_of(current)
    assert "full score" not in text_of(current)
    assert standings(house) == [DONE] * 3


def test_changed_form_keeps_its_place_in_the_note(open_at: Opened) -> None:
    """The short form was answered before the long one: changed later, it still does not overrule what came after."""
    house = open_at("notes-only")
    first = answer(house)
    answer(house, "full", **FIVES)
    person, visits = house.at_home()
    receipt = person.open(next(link for link in visits.links if first in link))
    form = person.open(receipt.link("/change"))
    review = person.submit(form, form.form("/change"), **TENS, action="review")
    person.submit(review, review.form("/change/send"))

    house.deliver()

    (current,) = [each for each in stored(house, "DocumentReference") if each["status"] == "current"]
    assert "core score: 5 on" in text_of(current)
    assert "core score: 10 on" not in text_of(current)


def test_nothing_answered_any_more_is_no_note(open_at: Opened) -> None:
    """All answers are taken out: whoever does not answer is not written about, and the old note is in error."""
    house = open_at("notes-only")
    answer(house)
    person, visits = house.at_home()
    receipt = person.open(visits.link("/receipt/"))
    form = person.open(receipt.link("/change"))
    review = person.submit(form, form.form("/change"), action="review")
    person.submit(review, review.form("/change/send"))

    house.deliver()

    assert [each["status"] for each in stored(house, "DocumentReference")] == ["entered-in-error"]
    assert standings(house) == [DONE, DONE]


@pytest.mark.parametrize("correct", [lambda house, _: change(house, **TENS), take_back], ids=["changed", "withdrawn"])
def test_note_that_somebody_changed_is_left_alone(open_at: Opened, correct: Callable[[House, str], str]) -> None:
    """A note with other words than ours stays as it is, current, and a person looks (F17)."""
    house = open_at("notes-only")
    key = answer(house)
    (note,) = stored(house, "DocumentReference")
    theirs = base64.b64encode(b"Discussed, see my own note.").decode()
    attachment = {**note["content"][0]["attachment"], "data": theirs}
    house.ehr.extensions["sandbox_store"].update({**note, "content": [{"attachment": attachment}]})

    correct(house, key)

    (kept,) = stored(house, "DocumentReference")
    assert (kept["status"], text_of(kept)) == ("current", "Discussed, see my own note.")
    assert standings(house) == [DONE, (State.HELD, "changed-in-chart")]


def test_foreign_edit_in_the_chart_is_kept(open_at: Opened) -> None:
    """At an EHR that takes everything: their text stands, and both people are told in words what that means (F17)."""
    house = open_at("generous")
    key = answer(house)
    (response,), _ = house.written(key)
    house.ehr.extensions["sandbox_store"].update({**response, "item": response["item"][:1]})

    said = change(house, **TENS)

    assert house.written(key)[0][0]["item"] == response["item"][:1]
    assert standings(house) == [DONE, (State.HELD, "changed-in-chart")]
    assert "Your chart still shows the answers before" in said.partition('role="status"')[2].partition("<span>")[2]
    assert "somebody has changed in the chart since" in house.clinician()[1].text


def test_the_corrected_view_does_not_depend_on_the_rung(open_at: Opened) -> None:
    """Changed answers look the same from the chart, and from what is kept beside the notes of one."""
    views = {}
    for profile in ("generous", "notes-only"):
        house = open_at(profile)
        without_ratings(house)
        answer(house)
        change(house, **TENS)
        views[profile] = plain(house.clinician()[1].text)

    assert ">10.0<" in views["generous"]
    assert views["notes-only"] == views["generous"]


def held(site: Site) -> None:
    """Let the site write nothing, and let a program read what is kept."""
    hold(site)
    READER.register(site)


def test_what_is_only_kept_here_is_changed_here(make_house: Callable[..., House]) -> None:
    """Without a way into the chart the newest version counts, under the same ids; what is taken back is not there."""
    house = make_house(change=held)
    first = answer(house)
    change(house, **TENS)
    token = READER.token(house)
    (response,) = entries(get(house, f"QuestionnaireResponse?identifier=urn:uuid:{first}", token))
    scores = entries(get(house, f"Observation?patient={MARIA}", token))
    changed = house.clinician()[1].text
    key = next(row["key"] for row in house.rows(submissions) if row["version"] == 2)

    gone = take_back(house, key)
    open_again = house.at_home()[1].text.count('name="encounter"')

    assert (response["id"], response["status"]) == (first, "amended")
    assert {(each["id"].partition(".")[0], each["status"]) for each in scores} == {(first, "amended")}
    assert ">10.0<" in changed
    assert ">10.0<" not in gone
    assert entries(get(house, f"Observation?patient={MARIA}", READER.token(house))) == []
    assert [state for state, _ in standings(house)] == [State.REPLACED, State.REPLACED, State.DELIVERED]
    assert open_again == 2


def test_every_version_is_deleted_in_its_time(make_house: Callable[..., House]) -> None:
    """After the retention date nothing of any version is left, and then nothing can be withdrawn any more."""
    house = make_house(change=held)
    key = answer(house)
    change(house, **TENS)
    person, chart = house.clinician()
    ask = person.open(chart.link("/withdraw"))
    with transaction(house.services.engine) as connection:
        connection.execute(submissions.update().values(kept_until=house.now()))

    purged = house.services.courier.purge_due(house.now())
    late = person.submit(ask, ask.form("/withdraw"), cause="mistake")

    assert purged == 2
    assert {(row["payload"], row["shown"]) for row in house.rows(submissions)} == {(b"", b"")}
    assert (late.status, code_of(late)) == (409, "correction.too-late")
    assert house.services.corrections.newest(key, ehr="harbor", patient=MARIA).version == 2


def test_what_a_correction_is_compared_with_stays(open_at: Opened) -> None:
    """While a correction waits for a person, the version before it is not deleted, whatever its date."""
    house = open_at("notes-only")
    key = answer(house)
    house.stop_ehr()
    with house.services.engine.begin() as connection:
        grant = connection.scalar(select(submissions.c.grant_id))
    asked = Correction(form_key=key, seen=1, cause=Cause.MISTAKE, asked_by=f"Patient/{MARIA}")
    house.services.corrections.withdraw(
        str(UUID(int=9)), asked, ehr="harbor", patient=MARIA, launch="launch-9", grant=grant
    )
    with transaction(house.services.engine) as connection:
        connection.execute(submissions.update().values(kept_until=house.now()))

    purged = house.services.courier.purge_due(house.now())
    house.start_ehr()
    house.deliver()

    assert purged == 0
    assert [each["status"] for each in stored(house, "DocumentReference")] == ["entered-in-error"]
    assert house.services.keeping.purge(house.now()) == 2
