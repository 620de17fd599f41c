"""Visits that nobody opens: the app notices them in the EHR by itself, and what is assigned follows them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from fhir_alliance.ehr.draft import VISIT_SCOPES
from fhir_alliance.tables import assignments, visit_looks
from fhir_alliance.visits.assignments import Trigger
from fhir_alliance.visits.standing import Assignment, Standing
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import AOIFE, MARIA, House
from .test_web_backend import granting

POLL = "\n[ehr.harbor.visits]\npoll_minutes = 10\n"


def polling(site: Site, more: str = "", scopes: str = VISIT_SCOPES) -> None:
    """Let a site's visits be looked through every ten minutes."""
    granting(scopes)(site)
    site.settings.write_text(f"{site.settings.read_text()}{POLL}{more}")


@pytest.fixture
def own(make_house: MakeHouse) -> House:
    """Open a house that looks through its EHR's visits."""
    return make_house(change=polling)


def watch(house: House, *, minutes: int = 0) -> int:
    """Let the app look for what has changed, as if some minutes later; returns how many visits it looked at."""
    return house.services.visits.watch(house.now() + timedelta(minutes=minutes))


def encounter(house: House, patient: str, *, start: datetime, name: str = "", **more: Any) -> str:
    """Put a visit of 50 minutes into the EHR, or change one; returns its reference."""
    store = house.ehr.extensions["sandbox_store"]
    known = store.read("Encounter", "aoife-obrien-v1")
    period = {"start": start.isoformat(timespec="seconds"), "end": (start + timedelta(minutes=50)).isoformat()}
    values = {**known, "id": name, "subject": {"reference": f"Patient/{patient}"}, "period": period, **more}
    stored, _ = store.update(values) if name else (store.create(values), True)
    return f"Encounter/{stored['id']}"


def of(house: House, reference: str, patient: str = MARIA) -> tuple[Assignment, ...]:
    """Return what is assigned about a visit."""
    return house.services.assignments.of_visit("harbor", patient, reference)


def test_visits_are_noticed(own: House) -> None:
    """Today's visits are assigned without anybody opening a chart, once, and a launch later finds the same ones."""
    first = watch(own)
    rows = own.rows(assignments)
    again = watch(own, minutes=10)
    own.clinician(AOIFE)

    assert first > 0
    assert again == 0
    assert rows == own.rows(assignments)
    assert {row["trigger"] for row in rows} == {"poll"}
    assert len({(row["patient"], row["encounter"], row["form_url"]) for row in rows}) == len(rows)
    assert AOIFE in {row["patient"] for row in rows}


def test_a_moved_visit_moves_its_forms(own: House) -> None:
    """A form is open when its visit is, also after the visit has been moved, and it stays the same form."""
    soon = own.now() + timedelta(hours=3)
    visit = encounter(own, MARIA, start=soon, status="planned")
    watch(own)
    (before,) = of(own, visit)
    later = soon + timedelta(days=3)
    encounter(own, MARIA, start=later, name=visit.removeprefix("Encounter/"), status="planned")
    watch(own, minutes=10)

    (after,) = of(own, visit)
    assert (before.id, before.closes) == (after.id, after.closes - timedelta(days=3))


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
def test_a_visit_that_does_not_take_place(own: House, status: str) -> None:
    """Its forms are not asked; should it take place after all, they are, and no form is assigned anew."""
    soon = own.now() + timedelta(hours=3)
    visit = encounter(own, MARIA, start=soon, status="planned")
    name = visit.removeprefix("Encounter/")
    watch(own)
    encounter(own, MARIA, start=soon, name=name, status=status)
    watch(own, minutes=10)
    cancelled = of(own, visit)
    encounter(own, MARIA, start=soon, name=name, status="arrived")
    watch(own, minutes=20)

    assert [each.standing for each in cancelled] == [Standing.CANCELLED]
    assert [each.standing for each in of(own, visit)] == [Standing.DUE]


def test_a_cancelled_visit_of_an_unchanged_number(own: House) -> None:
    """The visit after a cancelled one takes its number, and is asked what that number is asked."""
    first = encounter(own, AOIFE, start=own.now() + timedelta(hours=3), status="planned")
    second = encounter(own, AOIFE, start=own.now() + timedelta(hours=5), status="planned")
    watch(own)
    before = [each.number for each in (*of(own, first, AOIFE), *of(own, second, AOIFE))]
    start = own.now() + timedelta(hours=3)
    encounter(own, AOIFE, start=start, name=first.removeprefix("Encounter/"), status="cancelled")
    watch(own, minutes=10)

    (now,) = of(own, second, AOIFE)
    assert (before, now.number) == ([23, 24], 23)


def test_a_merged_record(own: House) -> None:
    """When a visit turns out to be another patient's, that one is asked and the first is not."""
    soon = own.now() + timedelta(hours=3)
    visit = encounter(own, MARIA, start=soon, status="planned")
    watch(own)
    encounter(own, AOIFE, start=soon, name=visit.removeprefix("Encounter/"), status="planned")
    watch(own, minutes=10)

    assert [each.standing for each in of(own, visit)] == [Standing.CANCELLED]
    assert [each.standing for each in of(own, visit, AOIFE)] == [Standing.DUE]


def test_an_ehr_that_does_not_answer(own: House) -> None:
    """What happens while an EHR is away is found out about when it is back; until then nothing is lost or asked."""
    watch(own)
    own.stop_ehr()
    assert watch(own, minutes=10) == 0
    visit = encounter(own, MARIA, start=own.now() - timedelta(hours=1), status="finished")
    own.start_ehr()

    watch(own, minutes=20)

    assert [each.standing for each in of(own, visit)] == [Standing.DUE]


def test_one_that_cannot_be_understood_stops_no_other(own: House) -> None:
    """A visit that makes no sense is looked at again later, and the others are assigned meanwhile."""
    broken = encounter(own, MARIA, start=own.now() + timedelta(hours=1), participant="Dr", status="planned")
    sound = encounter(own, AOIFE, start=own.now() + timedelta(hours=1), status="planned")

    watch(own)

    waiting = {row["reference"] for row in own.rows(visit_looks) if row["wanted_at"]}
    assert waiting == {broken, "Encounter/maria-lopez-v14"}  # whose number hangs on it
    assert len(of(own, sound, AOIFE)) == 1


def test_appointments_lead_to_visits(make_house: MakeHouse) -> None:
    """Where appointments are searched, what is due is due about the visit that one has become, once that is there."""
    scopes = f"{VISIT_SCOPES} system/Appointment.rs"
    house = make_house(change=lambda site: polling(site, 'search = "Appointment"\n', scopes))
    store, soon = house.ehr.extensions["sandbox_store"], house.now() + timedelta(hours=1)
    booked = {"resourceType": "Appointment", "status": "arrived", "start": soon.isoformat(timespec="seconds")}
    booked |= {"participant": [{"actor": {"reference": f"Patient/{MARIA}"}, "status": "accepted"}]}
    reference = f"Appointment/{store.create(booked)['id']}"
    early = watch(house)
    visit = encounter(house, MARIA, start=soon, status="arrived", appointment=[{"reference": reference}])

    watch(house, minutes=10)

    assert early == 1
    assert [each.standing for each in of(house, visit)] == [Standing.DUE]


def test_what_is_long_over_is_forgotten(own: House) -> None:
    """The references of visits are kept for a month after they were looked at, also where the EHR is gone."""
    watch(own)
    known = len(own.rows(visit_looks))
    own.services.visits.looks.want("gone", {"Encounter/1": ""}, Trigger.CARD, at=own.now())
    month = own.services.visits.looks.purge(own.now() - timedelta(days=1))
    own.stop_ehr()
    watch(own, minutes=32 * 24 * 60)

    assert (known > 0, month) == (True, 0)
    assert own.rows(visit_looks) == []


def test_off_until_a_site_says_so(make_house: MakeHouse) -> None:
    """Without the setting no visit is searched for."""
    house = make_house()

    assert watch(house) == 0
    assert [each for each in house.traffic if "/fhir/Encounter" in each[1]] == []
