"""What is agreed with one patient about being asked: said on a page, kept, and followed at every visit."""

from datetime import UTC, datetime, timedelta

import pytest

from fhir_alliance.tables import assignments, audit, patient_wishes
from fhir_alliance.visits.assignments import Trigger
from fhir_alliance.visits.due import SeenVisit
from fhir_alliance.visits.finder import PatientRecord
from fhir_alliance.visits.wishes import Wish
from smart_app.demo.browser import Page

from .conftest import MakeHouse
from .house import AOIFE, MARIA, THOMAS, House, Person
from .test_web_due import add, due

VISIT = SeenVisit(encounter="Encounter/e1", start=datetime(2026, 11, 24, 12, tzinfo=UTC), status="finished")


def say(house: House, patient: str = MARIA, **fields: str) -> tuple[Person, Page]:
    """Let a clinician choose on the page; returns the browser and the page after it."""
    person, chart = house.clinician(patient)
    page = person.open(f"{chart.url.removesuffix('/chart')}/asking")
    return person, person.submit(page, page.form("/asking"), **fields)


def in_days(house: House, days: int) -> str:
    """Return a day from today on, as the site has it."""
    zone = house.services.settings.site.time_zone
    return (house.now().astimezone(zone).date() + timedelta(days=days)).isoformat()


def test_a_pause(own: House) -> None:
    """Until its last day nothing is due, and the view says until when; then it is again."""
    _, page = say(own, asked="pause", until=in_days(own, 0))
    paused = due(own)
    say(own, asked="planned")

    assert page.url.endswith("/chart")
    assert paused.startswith("Not asked until ")
    assert due(own) == "Due at this visit: the short form (each visit)."


def test_a_patient_who_does_not_wish_to_be_asked(own: House) -> None:
    """It is said in the view, noted who recorded it, and a form can still be handed over by hand."""
    say(own, asked="never")

    assert due(own) == "Not asked at visits: the patient does not wish to be."
    (row,) = [row for row in own.rows(audit) if row["event"] == "wish.changed"]
    assert (row["actor"], row["patient"], row["outcome"]) == ("Practitioner/ada-okafor", MARIA, "never")
    assert due(own, THOMAS) != due(own)
    assert own.handed(MARIA)[1].status == 200


def test_nothing_is_assigned_meanwhile(own: House) -> None:
    """What is not asked is no assignment, so it is never overdue."""
    about = PatientRecord(ehr="harbor", patient="p1", visits=(VISIT,), responses=())
    own.services.wishes.keep("harbor", "p1", Wish(never=True), by="Practitioner/x", launch="l", at=own.now())

    found = own.services.finder.find(about, VISIT.encounter, Trigger.POLL)

    assert found == ()
    assert own.rows(assignments) == []


def test_single_forms(own: House) -> None:
    """A form that was chosen is not due and not assigned, the page shows it again, and nothing else is touched."""
    (core,) = (url for url in own.services.finder.pins if url.endswith("visit-check-in-patient-core"))
    person, chart = say(own, asked="planned", unasked=core)
    page = person.open(chart.url.replace("/chart", "/asking"))

    assert due(own) == "Nothing more is due at this visit."
    assert f'value="{core}" checked' in page.text
    assert page.text.count('name="unasked"') > page.text.count(" checked")
    assert due(own, AOIFE) == "Due at this visit: the long form (planned for visit 22)."
    assert say(own, asked="planned", unasked="https://x/other")[1].status == 400


def test_declined_and_asked_again(own: House) -> None:
    """The view says what was declined; the clinician can have it asked again, and then it is due as before."""
    patient, form = own.handed(MARIA)
    patient.submit(form, form.form("/form"), action="decline")
    declined = due(own)
    person, chart = own.clinician(MARIA)
    page = person.open(chart.url.replace("/chart", "/asking"))
    after = person.submit(page, page.form("/asking/again"))

    assert declined == "Due at this visit: the short form (each visit, declined)."
    assert after.url.endswith("/chart")
    assert due(own) == "Due at this visit: the short form (each visit)."
    assert "/asking/again" not in person.open(page.url).text


def test_another_schedule(make_house: MakeHouse) -> None:
    """The schedule that is chosen goes before the one of the clinic, for this patient alone."""
    ask = '[[schedule.rare.ask]]\nform = "visit-check-in/full"\nevery = 1'
    rare = f'[schedule.rare]\nclinics = ["Organization/elsewhere"]\n{ask}'
    house = make_house(change=lambda site: add(site, rare))
    say(house, asked="planned", schedule="rare")

    assert due(house) == "Due at this visit: the long form (each visit)."
    assert due(house, AOIFE) == "Due at this visit: the long form (planned for visit 22)."


@pytest.mark.parametrize(("days", "day"), [(-1, ""), (400, ""), (None, ""), (None, "soon")])
def test_a_day_that_cannot_be_meant(house: House, days: int | None, day: str) -> None:
    """Nothing is kept; the page says which days can be chosen, with what was chosen still there."""
    _, page = say(house, asked="pause", until=day if days is None else in_days(house, days))

    assert page.status == 422
    assert "Choose a day from today on, within a year." in page.text
    assert 'value="pause" checked' in page.text
    assert house.rows(patient_wishes) == []


@pytest.mark.parametrize("fields", [{"asked": "often"}, {"asked": "planned", "schedule": "none"}])
def test_what_is_not_offered_is_refused(house: House, fields: dict[str, str]) -> None:
    """A choice that no page offers changes nothing."""
    assert say(house, **fields)[1].status == 400
    assert house.rows(patient_wishes) == []


def test_a_patient_cannot(house: House) -> None:
    """Who is no clinician is turned away."""
    person, page = house.handed(MARIA)
    base = page.url.partition("/form")[0]

    assert person.open(f"{base}/asking").status == 401
