"""A therapist's list of own patients: out of our own store, of this therapist and this EHR, audited, and no way on."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import Table

from fhir_alliance.store import transaction
from fhir_alliance.tables import assignments, audit, reasons, submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import ADA, AOIFE, MARIA, THOMAS, House, Person, code_of
from .test_web_delivery import put, send

OTHER = "Practitioner/somebody-else"


def rows(page: Page) -> dict[str, str]:
    """Return what the list says of each patient, by name."""
    part = unescape(page.text.partition('<ul class="own-patients">')[2].partition("</ul>")[0])
    said = [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in part.split("</li>")]
    names = re.findall(r"<h2>(.*?)</h2>", part)
    return {name: each.removeprefix(f"{name} ") for name, each in zip(names, said, strict=False)}


def mine(house: House, patient: str = MARIA) -> Page:
    """Return the list as the therapist sees it who has a patient's chart open."""
    clinician, chart = house.clinician(patient)
    return clinician.open(chart.link("/mine"))


def change(house: House, table: Table, **values: object) -> None:
    """Let all rows of a table be otherwise, as time would make them."""
    with transaction(house.services.engine) as connection:
        connection.execute(table.update().values(**values))


def give_to(house: House, therapist: str, **where: str) -> None:
    """Let what is kept of a patient be about another therapist, or of another EHR."""
    with transaction(house.services.engine) as connection:
        for table in (assignments, submissions, reasons):
            about = table.update().where(table.c.patient == where["patient"])
            connection.execute(about.values(therapist=therapist, ehr=where.get("ehr", "harbor")))


def test_own_patients_with_what_is_due_and_open(own: House) -> None:
    """Who answered, who has open reasons and what is not in the chart, by name; the reading is audited once."""
    key = send(own, AOIFE)
    put(own, key, "held", "not-allowed")
    send(own, THOMAS)  # after the therapist was shown the reasons

    page = mine(own)

    listed = rows(page)
    assert "1 form is not in the chart yet: the health record does not allow it" in listed["Aoife O'Brien"]
    assert re.search(r"worth a look (2 reasons, the newest of|since) \w{3} \d+ \w{3}", listed["Thomas Reyes"])
    noted = [row for row in own.rows(audit) if row["event"] == "overview.read"]
    assert [(row["actor"], row["ehr"], row["patient"]) for row in noted] == [(ADA, "harbor", None)]
    assert noted[0]["launch"] == page.url.split("/")[-2]


def test_what_is_due(own: House) -> None:
    """A form that waits is said with its end; what was answered, or is too late, is not due any more."""
    send(own, MARIA)
    answered = rows(mine(own))["Maria Lopez"]
    change(own, submissions, encounter=None)  # what was sent is about no visit now, so the visit's form waits
    waiting = rows(mine(own, THOMAS))["Maria Lopez"]
    change(own, assignments, closes_at=own.now())
    late = rows(mine(own, THOMAS))["Maria Lopez"]

    patients = r"due Visit check-in \(patient, \w+ form\), until .*\d:\d\d [ap]m"
    assert [bool(re.search(patients, each)) for each in (answered, waiting, late)] == [False, True, False]
    assert "Nothing is due" in late


def test_no_answer_and_no_score(own: House) -> None:
    """Level and day of a reason, and nothing that it rests on."""
    send(own, THOMAS)

    said = rows(mine(own))["Thomas Reyes"]

    assert "worth a look" in said
    assert not re.search(r"\d\.\d|below|Fell|usual", said)


@pytest.mark.parametrize("where", [{"therapist": OTHER}, {"therapist": ADA, "ehr": "elsewhere"}])
def test_nobody_elses_patients(own: House, where: dict[str, str]) -> None:
    """A colleague's patients are not there, nor those of the same reference in another EHR (T41, T47)."""
    send(own, AOIFE)
    send(own, MARIA)
    assert set(rows(mine(own))) == {"Aoife O'Brien", "Maria Lopez"}

    give_to(own, **where, patient=AOIFE)

    assert set(rows(mine(own))) == {"Maria Lopez"}


def test_no_chart_is_read_and_none_is_reached(own: House) -> None:
    """The list asks the EHR nothing, names the open chart as such, and reaches no other patient's view."""
    send(own, AOIFE)
    clinician, chart = own.clinician(MARIA)
    before = len(own.traffic)

    page = clinician.open(chart.link("/mine"))

    assert len(own.traffic) == before
    assert page.link("/chart") == chart.url.partition("?")[0]
    assert AOIFE not in page.text
    assert [name for name, said in rows(page).items() if "this chart is open" in said] == ["Maria Lopez"]
    assert "Maria Lopez" in clinician.open(page.link("/chart")).text


def test_what_was_taken_back_makes_no_patient(own: House) -> None:
    """A form about the wrong person that was withdrawn does not leave that person in the list."""
    send(own, AOIFE)
    own.deliver()
    clinician, chart = own.clinician(AOIFE)
    wrong = clinician.open(chart.link("/withdraw"))
    clinician.submit(wrong, wrong.form("/withdraw"), cause="wrong-person")
    own.deliver()
    with transaction(own.services.engine) as connection:
        connection.execute(assignments.delete())

    assert "Aoife O'Brien" not in rows(mine(own))


def test_who_does_not_want_to_answer_is_not_counted(own: House) -> None:
    """A form that was declined makes nobody a patient of the list."""
    send(own, AOIFE)
    with transaction(own.services.engine) as connection:
        connection.execute(assignments.delete())

    change(own, submissions, declined=True)

    assert "Aoife O'Brien" not in rows(mine(own))


def test_a_name_that_is_not_kept_any_more(own: House) -> None:
    """When who was shown is deleted at its time, the patient is counted without a name."""
    send(own, AOIFE)
    change(own, submissions, shown=b"", payload=b"")

    page = mine(own)

    assert "Aoife" not in page.text
    assert "more patient" in page.text


def test_half_a_year_later(own: House) -> None:
    """Who has had no form for so long is not listed."""
    send(own, AOIFE)
    own.deliver()
    with transaction(own.services.engine) as connection:
        connection.execute(assignments.delete())

    change(own, submissions, accepted_at=own.now() - timedelta(days=181))

    assert "Aoife O'Brien" not in rows(mine(own))


def test_a_site_that_does_not_want_it(make_house: MakeHouse) -> None:
    """Without the setting the view has no link and the address no page, and nothing is audited."""

    def off(site: Site) -> None:
        site.settings.write_text(site.settings.read_text().replace("therapist_overview = true\n", ""))

    house = make_house(change=off)
    clinician, chart = house.clinician(MARIA)

    page = clinician.open(chart.url.replace("/chart", "/mine"))

    assert "/mine" not in chart.text
    assert (page.status, code_of(page)) == (404, "overview.none")
    assert "overview.read" not in {row["event"] for row in house.rows(audit)}


def test_a_stranger_sees_nothing(own: House) -> None:
    """The address of a list is worth nothing in another browser."""
    page = Person().open(mine(own).url)

    assert (page.status, code_of(page)) == (401, "session.none")
