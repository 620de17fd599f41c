"""What is due at a visit, as the clinician's view says it over a real record."""

from datetime import timedelta
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import read_settings
from fhir_alliance.visits.standing import Assignment, Standing
from smart_app.demo.site import Site, write_site
from smart_app.web.app import create_app

from .conftest import MakeHouse
from .house import AOIFE, CORE, MARIA, House

HARBOR = """
[schedule.harbor]
clinics = ["Organization/harbor"]
[[schedule.harbor.ask]]
form = "visit-check-in/full"
months = 1
"""
FULL = {str(item): "5" for item in range(1, 13)}


def due(house: House, patient: str = MARIA) -> str:
    """Return what the view says is due."""
    page = house.clinician(patient)[1].text
    return page.partition('<p class="due">')[2].partition("</p>")[0]


def rows_of(house: House) -> tuple[Assignment, ...]:
    """Return what is assigned to Aoife."""
    return house.services.assignments.of_patient("harbor", AOIFE, since=house.now() - timedelta(days=2))


def add(site: Site, lines: str) -> None:
    """Let a site's settings say something more."""
    site.settings.write_text(f"{site.settings.read_text()}\n{lines}\n")


def answer(house: House, form: str, answers: dict[str, str], patient: str = MARIA) -> None:
    """Let the patient answer a form that was handed over."""
    person, page = house.handed(patient, form)
    review = person.submit(page, page.form("/form"), **answers, action="review")
    person.submit(review, review.form("/send"))


def test_due_until_it_is_answered(house: House) -> None:
    """The short form is due at a visit like any other, also while it is on its way, and then nothing more is."""
    before = due(house)
    answer(house, "core", CORE)
    sent = due(house)
    house.deliver()

    assert before == "Due at this visit: the short form (each visit)."
    assert sent == due(house) == "Nothing more is due at this visit."


def test_the_long_form_takes_the_place_of_the_short_one(house: House) -> None:
    """At the visit that is planned for it the long form is due, and offered first; the short one does not stand in."""
    planned, offered = due(house, AOIFE), house.clinician(AOIFE)[1].text
    answer(house, "core", CORE, AOIFE)
    still = due(house, AOIFE)
    answer(house, "full", FULL, AOIFE)

    assert planned == still == "Due at this visit: the long form (planned for visit 22)."
    assert offered.index('value="full"') < offered.index('value="core"')
    assert due(house, AOIFE) == "Nothing more is due at this visit."


def test_what_is_due_is_assigned_once(make_house: MakeHouse) -> None:
    """Opening the view assigns what is due, opening it again changes nothing, and the answer completes it."""
    house = make_house()
    for _ in range(2):
        due(house, AOIFE)
    (assigned,) = rows_of(house)
    answer(house, "full", FULL, AOIFE)

    (done,) = rows_of(house)
    assert (assigned.form.partition("|")[0].rpartition("/")[2], assigned.number) == ("visit-check-in-patient-full", 22)
    assert (assigned.standing, done.standing) == (Standing.DUE, Standing.COMPLETED)


def test_a_form_handed_over_by_hand_is_assigned(make_house: MakeHouse) -> None:
    """What a clinician hands over although it is not due is an assignment like any other."""
    house = make_house()
    house.handed(AOIFE, "core")

    by_name = {each.form.partition("|")[0].rpartition("-")[2]: each for each in rows_of(house)}

    assert set(by_name) == {"full", "core"}
    assert by_name["core"].closes > house.now()


@pytest.mark.parametrize("rule", ["months = 1", "visits = [1]"])
def test_a_form_handed_over_follows_the_schedule_of_its_visit(make_house: MakeHouse, rule: str) -> None:
    """It closes when the clinic's own schedule says, not the site's, also where that asks nothing at this visit."""
    own = HARBOR.replace("months = 1", rule).replace("[[", "window_hours = 6\n[[")
    house = make_house(change=lambda site: add(site, own))
    house.handed(AOIFE, "core")

    (handed,) = (each for each in rows_of(house) if not each.planned)

    assert handed.schedule == "harbor"
    assert house.now() < handed.closes <= house.now() + timedelta(hours=6)


def test_without_a_visit_nothing_is_said(house: House) -> None:
    """Where no visit is open, the view says nothing of what is due."""
    assert due(house, "elena-petrova") == ""


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (
            HARBOR,
            "Due at this visit: the long form (each month).",
        ),
        ('[schedule.site]\nkinds = ["group"]', ""),
    ],
)
def test_a_site_says_what_is_due(make_house: MakeHouse, schedule: str, said: str) -> None:
    """A clinic's own schedule comes before the site's, and a visit that no schedule is for is not asked about."""
    assert due(make_house(change=lambda site: add(site, schedule)), AOIFE) == said


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("wai-sr/all", "schedule.site: wai-sr/all is not asked here; name wai-sr in instruments.on_request"),
        ("visit-check-in/weekly", "schedule.site: visit-check-in/weekly is no form for a patient"),
    ],
)
def test_a_schedule_asks_only_what_is_there(tmp_path: Path, form: str, fault: str) -> None:
    """A form that the site does not ask, or that does not exist, is told at the start."""
    site = write_site(tmp_path, ehr_port=18080, app_port=18081)
    add(site, f'[[schedule.site.ask]]\nform = "{form}"\nevery = 1')

    with pytest.raises(InvalidSettings) as caught:
        create_app(read_settings(site.settings))

    assert list(caught.value.faults) == [fault]
