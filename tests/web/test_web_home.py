"""A patient at home: what waits, what was sent, and answers that survive whatever happens meanwhile."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from fhir_alliance.tables import assignments, drafts
from smart_app.demo.browser import Page

from .house import AOIFE, CORE, MARIA, House, Person, code_of, handle_of
from .test_web_form import answer, chosen, first_visit, install_next_version, send


def begun(house: House, patient: str = MARIA) -> tuple[Person, Page]:
    """Return a patient at home at the form of the visit that waits."""
    person, home = house.at_home(patient)
    return person, person.submit(home, home.form("/visit"), encounter=first_visit(home))


def keep(person: Person, form: Page, **fields: str) -> requests.Response:
    """Send answers as the page's script does."""
    hidden = form.form("/form").hidden
    parts = form.url.partition("/l/")
    return person.send("POST", f"{form.url}/keep", {**hidden, **fields}, Origin=parts[0])


def change_visit(house: House, encounter: str, **changes: Any) -> None:
    """Change an Encounter in the record."""
    store = house.ehr.extensions["sandbox_store"]
    found = store.read("Encounter", encounter.partition("/")[2])
    found = {**found, **changes}
    store.update(found)


def retire(house: House) -> None:
    """Withdraw the form that everybody is asked."""
    present = house.services
    used = present.catalogue.instrument("visit-check-in")
    retired = replace(used, status="retired")
    others = tuple(each for each in present.catalogue.instruments if each.name != used.name)
    house.app.extensions["alliance"] = replace(
        present, catalogue=replace(present.catalogue, instruments=(*others, retired))
    )


def test_the_list_names_the_visit_its_time_and_its_length(own: House) -> None:
    """What waits comes from the schedule: the planned long form, its visit in words, how long it takes, until when."""
    _, home = own.at_home(AOIFE)

    assert "A form is waiting" in home.text
    assert re.search(r"Your visit <time[^>]*>today</time></strong> with ", home.text)
    assert re.search(r"14 questions, about 2 minutes\. You can answer until [^.]+, \d+:\d\d [ap]m\.", home.text)
    assert [row["trigger"] for row in own.rows(assignments)] == ["launch"]


@pytest.mark.parametrize(("hours", "status"), [(-49, "finished"), (24, "planned")])
def test_a_form_is_not_asked_before_its_visit_nor_after_its_time(own: House, hours: int, status: str) -> None:
    """A visit still to come is not asked about, nor one of more than two days ago; nothing due is said kindly."""
    at = (own.now() + timedelta(hours=hours)).isoformat(timespec="seconds")
    change_visit(own, f"Encounter/{AOIFE}-v22", period={"start": at}, status=status)

    _, page = own.at_home(AOIFE)

    assert "No form is waiting" in page.text
    assert "We ask again after your next visit" in page.text
    assert own.rows(assignments) == []


def test_what_was_sent_is_listed_with_its_place_and_can_be_changed(own: House) -> None:
    """After sending, the list says that it is on its way, then in the chart, until when it can be changed; no score."""
    person, form = begun(own)
    receipt = send(person, answer(person, form, **CORE))
    home = own.url(f"/l/{handle_of(form)}/visits")

    sent = person.open(home)
    own.deliver()
    delivered = person.open(home)

    key = receipt.url.rpartition("/")[2]
    assert "received, on its way to your chart" in sent.text
    assert "in your chart" in delivered.text
    assert "You can change it or take it back until" in delivered.text
    assert f"/receipt/{key}" in delivered.text
    assert "No form is waiting" in delivered.text
    assert not re.search(r"score|7\.5", delivered.text.partition("</head>")[2])


def test_every_answer_is_kept_and_found_on_another_device(own: House) -> None:
    """What the script keeps is there after signing in elsewhere, at once, without a choice to make again."""
    person, form = begun(own)
    kept = keep(person, form, **{"1": "8", "2": "3"})

    other, page = own.at_home()

    assert kept.json()["version"] == 1
    assert re.fullmatch(r"\d+:\d\d [ap]m", kept.json()["at"])
    assert page.url.endswith("/form")
    assert chosen(page) == {"1": "8", "2": "3"}
    assert len(own.rows(drafts)) == 1
    assert "2 answers are kept" in other.open(own.url(f"/l/{handle_of(page)}/visits")).text


def test_two_devices_lose_no_answer(own: House) -> None:
    """The later device is told, sees the answers of both, and which question was answered in two ways."""
    first, form = begun(own)
    second, same = begun(own)
    assert keep(first, form, **{"1": "8", "2": "3"}).status_code == 200

    refused = keep(second, same, **{"2": "9", "3": "5"})
    told = answer(second, same, **{"2": "9", "3": "5"})

    assert refused.status_code == told.status == 409
    assert "was changed on another page" in told.text
    assert chosen(told) == {"1": "8", "2": "9", "3": "5"}
    assert re.findall(r'id="problem-([^"]+)"', told.text) == ["2"]
    assert chosen(first.open(form.url)) == {"1": "8", "2": "3"}


def test_on_a_handed_over_device_no_draft_of_home_is_shown(own: House) -> None:
    """Answers begun at home belong to the patient's own sign-in, not to a device that somebody else may hold."""
    person, form = begun(own)
    keep(person, form, **CORE)

    _, handed = own.handed()

    assert chosen(handed) == {}


def test_a_session_that_ended_loses_nothing(own: House) -> None:
    """Answers sent too late are kept without showing anything, and signing in again leads back to them."""
    person, form = begun(own)
    keep(person, form, **{"1": "8"})

    own.ahead = timedelta(minutes=31)
    late = answer(person, form, **{"1": "8", "2": "4"})
    script = keep(person, form, **{"3": "6"})
    own.ahead = timedelta()  # the EHR's clock has not moved, and it signs nobody in of another time
    _, again = own.at_home()

    assert (late.status, code_of(late), script.status_code) == (401, "", 401)
    assert "Sign in again to go on where you were." in late.text
    assert "Your answers so far are kept." in late.text
    assert f'href="{script.json()["again"]}"' in late.text
    assert "Maria" not in late.text
    assert chosen(again) == {"1": "8", "2": "4", "3": "6"}


def test_somebody_elses_late_page_keeps_nothing(own: House) -> None:
    """Without the session's own cookie nothing is kept in a launch that has ended."""
    person, form = begun(own)
    own.ahead = timedelta(minutes=31)

    stranger = keep(Person(), form, **CORE)

    assert stranger.status_code == 401
    assert person.open(form.url).status == 401
    assert [row["version"] for row in own.rows(drafts)] == [0]


def test_not_today_is_noted_and_can_be_changed_until_the_time_is_over(own: House) -> None:
    """The assignment is declined, the list says so, and the form can still be answered, with the answers so far."""
    person, form = begun(own)

    home = person.submit(form, form.form("/form"), **{"1": "8"}, action="decline")
    standing = own.services.assignments.of_patient("harbor", MARIA, since=own.now())[0].standing
    again = person.submit(home, home.form("/visit"), encounter=first_visit(home))
    send(person, answer(person, again, **CORE))
    after = own.services.assignments.of_patient("harbor", MARIA, since=own.now())[0].standing

    assert "Nothing was sent, and your care does not change." in home.text
    assert (standing, after) == ("declined", "completed")
    assert chosen(again) == {"1": "8"}


def test_a_visit_called_off_meanwhile_is_not_asked_about(own: House) -> None:
    """A form whose visit was cancelled mid-fill is not sent: the page says so, and the answers stay for a day."""
    person, form = begun(own)
    encounter = own.rows(drafts)[0]["encounter"]
    change_visit(own, encounter, status="cancelled")

    told = answer(person, form, **CORE)
    waits = person.open(told.link("/visits"))
    sent = person.post(form, form.form("/form"), **CORE, action="review")

    assert (told.status, "This visit did not take place" in told.text) == (410, True)
    assert "No form is waiting" in waits.text
    assert sent.status_code != 303
    assert [row["version"] for row in own.rows(drafts)] == [1]


def test_a_visit_that_moved_meanwhile_shows_its_new_day(own: House) -> None:
    """Moved back, the form names the new day and asks to look; moved ahead, it waits for the visit; answers stay."""
    person, form = begun(own)
    encounter = own.rows(drafts)[0]["encounter"]
    earlier = own.now() - timedelta(hours=30)

    change_visit(own, encounter, period={"start": earlier.isoformat(timespec="seconds")})
    told = answer(person, form, **CORE)
    tomorrow = own.now() + timedelta(days=1)
    change_visit(own, encounter, period={"start": tomorrow.isoformat(timespec="seconds")})
    later = answer(person, told, **CORE)

    assert "The date of this visit was changed" in told.text
    assert chosen(told) == CORE
    assert (later.status, "We ask about it afterwards" in later.text) == (410, True)


def test_f39_the_version_stays_on_another_device(own: House) -> None:
    """A form begun in one version is gone on with in it after an upgrade, wherever the patient signs in."""
    person, form = begun(own)
    keep(person, form, **{"1": "8"})
    install_next_version(own)

    other, page = own.at_home()
    key = send(other, answer(other, page, **CORE)).url.rpartition("/")[2]
    own.deliver()

    (response,), _ = own.written(key)
    assert response["questionnaire"].endswith("|1.0.0")


def test_a_form_withdrawn_meanwhile_is_told_and_its_answers_stay(own: House) -> None:
    """When a form may not be asked any more, the patient is told so on a plain page; what was answered stays."""
    person, form = begun(own)
    retire(own)

    told = answer(person, form, **CORE)

    assert (told.status, "This form is not asked any more" in told.text) == (410, True)
    assert [row["version"] for row in own.rows(drafts)] == [1]


def test_the_page_says_until_when_it_stays_open(own: House) -> None:
    """Without a script, too, the form says when it closes, and that answers are kept; the script gets the seconds."""
    _, form = begun(own)

    seconds = int(re.search(r'id="ends" data-seconds="(\d+)"', form.text)[1])  # type: ignore[index]  # else it fails
    assert 29 * 60 <= seconds <= 30 * 60
    assert re.search(r"You can leave this page alone until (tomorrow, )?\d+:\d\d [ap]m\.", form.text)
    assert "sign in again: your answers are kept" in form.text
