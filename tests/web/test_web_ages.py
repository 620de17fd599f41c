"""Rules about ages and places: who answers in the room only, where the room comes first, and who is asked (P8)."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import request
from sqlalchemy import update

from fhir_alliance.ehr.draft import VISIT_SCOPES
from fhir_alliance.settings import AgeRule, Answering, Where
from fhir_alliance.store import transaction
from fhir_alliance.tables import (
    assignments,
    audit,
    drafts,
    launches,
    patient_links,
    reminders,
    submissions,
    task_mirrors,
)
from smart_app.demo.browser import Page
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import CORE, MARIA, THOMAS, House, Person, code_of, handle_of
from .test_web_corrections import NINES, sent
from .test_web_links import fill_in, type_date, with_links
from .test_web_proxy import WILHELMINA, beside, proxy
from .test_web_reminders import REMIND, held, keeper
from .test_web_tasks import EHR_LAUNCH, FORM, STANDALONE, assigned, mirror, mirroring, tasks
from .test_web_visits import polling

ONLY = '[[age_rule]]\nages = [12, 15]\nwhere = "room-only"\n'
CALIFORNIA = f'{ONLY}places = ["US-CA"]\n'
TOLD = "At this age, the form is filled in at the clinic only."
FIRST = "a tablet or code here comes first"


def ruling(*rules: str) -> Callable[[Site], None]:
    """Return a change of a site: it has rules about ages."""

    def change(site: Site) -> None:
        site.settings.write_text("\n".join((site.settings.read_text(), *rules)))

    return change


@pytest.fixture
def own(make_house: MakeHouse) -> House:
    """Open a house where whoever is 12 to 15 answers in the room only."""
    return make_house(change=ruling(ONLY))


def living(house: House, patient: str = MARIA, *, years: int = 14, **address: str) -> None:
    """Let a patient be so old, since a day in spring or one before, and live at an address if one is given."""
    store = house.ehr.extensions["sandbox_store"]
    born = house.now().replace(year=house.now().year - years, day=1)
    home = {"address": [{"use": "home", **address}]} if address else {}
    store.update({**store.read("Patient", patient), "birthDate": born.date().isoformat(), **home})


def rule_from_now(house: House, *rules: AgeRule) -> None:
    """Let other rules hold from now on, as after the settings were changed and the app was started again."""
    settings = replace(house.services.settings, age_rules=rules)
    house.app.extensions["alliance"] = replace(house.services, settings=settings)


def only(first: int, last: int) -> AgeRule:
    """Return a rule by which these ages answer in the room only."""
    return AgeRule(first=first, last=last, answering=Answering(where=Where.ROOM_ONLY, ask_who=True))


def refused(page: Page) -> bool:
    """Whether a page says what to do next, names nobody and shows no form."""
    plain = not any(word in page.text for word in ("Maria", "Thomas", "Wilhelmina", "Okafor", "<form method"))
    return page.status == 403 and code_of(page) == "age.room-only" and TOLD in page.text and plain


def test_the_portal_does_not_open_it(own: House) -> None:
    """At an age for the room, a sign-in at home ends at a page in plain words, whichever address is tried."""
    living(own, THOMAS)

    person, page = own.at_home(THOMAS)

    base = own.url(f"/l/{handle_of(page)}")
    assert refused(page)
    assert all(refused(person.open(f"{base}/{path}")) for path in ("", "visits", "form", "review", "confirm"))
    assert own.rows(drafts) == []
    assert "age.room-only" in [row["outcome"] for row in own.rows(audit) if row["event"] == "access.refused"]


@pytest.mark.parametrize(("years", "is_refused"), [(11, False), (12, True), (15, True), (16, False)])
def test_from_birthday_to_birthday(own: House, years: int, is_refused: bool) -> None:
    """The first and the last year of a rule are both in it, and the years beside them are not."""
    living(own, THOMAS, years=years)

    assert refused(own.at_home(THOMAS)[1]) == is_refused


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ({"country": "US", "state": "CA"}, True),
        ({"country": "USA", "state": "NV"}, False),
        ({"country": "DE", "state": "BY"}, False),
        ({"country": "US"}, True),
        ({}, True),
    ],
)
def test_by_where_the_patient_lives(make_house: MakeHouse, address: dict[str, str], is_refused: bool) -> None:
    """A rule for one state holds for who lives there, or may live there as far as the record says."""
    house = make_house(change=ruling(CALIFORNIA))
    living(house, THOMAS, **address)

    assert refused(house.at_home(THOMAS)[1]) == is_refused


def test_the_place_goes_with_a_link_and_with_a_device(make_house: MakeHouse) -> None:
    """What the record says of the place is known wherever the launch goes on: else these two would be for the room."""
    house = make_house(change=ruling(CALIFORNIA))
    living(house, country="US", state="NV")
    living(house, WILHELMINA, country="US", state="NV")

    link, page = house.link(*house.clinician()), beside(house)[1]

    asked = type_date(Person(), link, house.born())
    assert (asked.status, page.status) == (200, 200)
    assert "Is this you?" in asked.text


def test_a_relative_is_told_the_same(own: House) -> None:
    """Who is signed in for the patient cannot hand the device on, and is not asked for anything."""
    living(own, WILHELMINA)

    person, page = proxy(own)

    assert refused(page)
    handle = handle_of(page)
    reply = person.send("POST", f"{own.url('/l/')}{handle}/here", {"_csrf": own.token_of(person, handle)})
    assert [row["role"] for row in own.rows(launches)] == ["proxy"]
    assert reply.status_code == 403


def test_beside_a_relative_it_ends_and_the_answers_are_kept(own: House) -> None:
    """A form that is open when the rule begins to hold closes at the next step, and keeps what that still brings."""
    person, page = beside(own)
    form = person.submit(page, page.form("/visit"), encounter=f"Encounter/{WILHELMINA}-v18")
    rule_from_now(own, only(0, 150))

    late = person.submit(form, form.form("/form"), **CORE, action="review")

    assert refused(late)
    assert own.rows(submissions) == []
    rule_from_now(own)
    assert person.open(form.url).text.count(" checked") == len(CORE)


def test_no_link_is_made(own: House) -> None:
    """The view offers none and says where the form is filled in, and the address of the page says why."""
    living(own)
    clinician, chart = own.clinician()

    links = clinician.open(chart.url.replace("/chart", "/links"))
    fields = {"_csrf": own.token_of(clinician, handle_of(chart)), "form": "core"}
    made = clinician.send("POST", links.url, fields, Origin=own.site.app_url)

    assert "Send a link" not in chart.text
    assert "forms are filled in here only: hand them over." in chart.text
    assert (links.status, code_of(links)) == (403, "link.room-only")
    assert "Hand the form over instead." in links.text
    assert made.status_code == 403
    assert own.rows(patient_links) == []


def test_a_link_that_was_made_before(own: House) -> None:
    """It asks for the birth date and then says so; what was answered is kept, and is there once it may be opened."""
    link, phone = own.link(*own.clinician()), Person()
    form = type_date(phone, link, own.born())
    rule_from_now(own, only(0, 150))

    late = phone.submit(form, form.form("/form"), **CORE, action="review")
    again = type_date(Person(), link, own.born())
    rule_from_now(own)
    opened = type_date(Person(), link, own.born())

    assert refused(late)
    assert refused(again)
    assert opened.text.count(" checked") == len(CORE)
    assert own.rows(submissions) == []


def test_the_pages_script_is_told_and_the_answer_kept(own: House) -> None:
    """What is kept while somebody answers is kept once more when the rule begins to hold."""
    person, form = own.linked()
    fields = {**form.form("/form").hidden, **CORE}
    rule_from_now(own, only(0, 150))

    reply = person.send("POST", form.url + "/keep", fields, Origin=own.site.app_url)

    assert reply.status_code == 403
    rule_from_now(own)
    assert person.open(form.url).text.count(" checked") == len(CORE)


def test_a_change_of_what_was_sent_is_kept(own: House) -> None:
    """What the patient was changing when the rule began to hold is there again afterwards; what was sent stays."""
    person, receipt = sent(own)
    form = person.open(receipt.link("/change"))
    rule_from_now(own, only(0, 150))

    late = person.submit(form, form.form("/change"), **NINES, action="review")

    assert refused(late)
    assert len(own.rows(submissions)) == 1
    rule_from_now(own)
    again = person.open(form.url)
    assert re.findall(r'name="(\d)" value="10" checked', again.text) == [*NINES]


def test_nothing_is_kept_before_the_person_said_who_they_are(own: House) -> None:
    """Whoever was asked who they are, and has not said it, writes into no draft by way of a refused request."""
    living(own, THOMAS)
    rule_from_now(own)
    person, page = own.at_home(THOMAS)
    rule_from_now(own, only(0, 150))
    handle = handle_of(page)

    fields = {"_csrf": own.token_of(person, handle), **CORE}
    reply = person.send("POST", own.url(f"/l/{handle}/form"), fields, Origin=own.site.app_url)

    assert reply.status_code == 403
    assert own.rows(drafts) == []


def test_the_handover_works_always(own: House) -> None:
    """In the room the form opens by its code, for who has no other way, too."""
    living(own)

    person, form = own.handed()

    assert "They are" in fill_in(person, form).text


def reminding(folder: Path) -> Callable[[Site], None]:
    """Return a change of a site: reminders, and a rule for the room only in California."""

    def change(site: Site) -> None:
        polling(site, f"{REMIND}{CALIFORNIA}", f"{VISIT_SCOPES} system/Patient.r")
        with_links(f"command = {keeper(folder)}")(site)

    return change


def remind(house: House, *, hours: float) -> int:
    """Let the app remind as if so much time had passed, without its clock leaving the EHR's behind."""
    return house.services.chaser.remind_due(house.now() + timedelta(hours=hours))


@pytest.mark.parametrize(("state", "tried"), [("CA", [0, 0]), ("NV", [1, 0]), ("", [0, 0])])
def test_nobody_is_reminded_of_what_is_for_the_room(
    make_house: MakeHouse, tmp_path: Path, state: str, tried: list[int]
) -> None:
    """No message leaves for who answers in the room, or may; that is written down, and the view calls it no message."""
    house = make_house(change=reminding(tmp_path))
    living(house, country="US", **({"state": state} if state else {}))
    held(house)

    assert [remind(house, hours=hours) for hours in (2.7, 2.9)] == tried
    assert (tmp_path / "got").exists() == bool(sum(tried))
    (row,) = [row for row in house.rows(audit) if row["event"] == "reminder.sent"]
    assert row["outcome"] == ("done" if sum(tried) else "room-only")
    said = house.clinician()[1].text
    assert ("Reminded " in said) == bool(sum(tried))
    assert "A reminder could not be sent" not in said


def test_a_reminder_waits_until_the_record_tells_the_age(make_house: MakeHouse, tmp_path: Path) -> None:
    """While the EHR is silent nothing is sent and nothing is given up; then it goes its way."""
    house = make_house(change=reminding(tmp_path))
    living(house, country="US", state="NV")
    held(house)
    house.stop_ehr()
    silent = remind(house, hours=2.7)
    written = house.rows(reminders)
    house.start_ehr()

    assert (silent, written) == (0, [])
    assert remind(house, hours=2.9) == 1


@pytest.mark.parametrize(
    ("state", "shapes"), [("CA", [EHR_LAUNCH]), ("", [EHR_LAUNCH]), ("NV", [EHR_LAUNCH, FORM, STANDALONE])]
)
def test_the_ehr_gets_no_task_to_answer_elsewhere(make_house: MakeHouse, state: str, shapes: list[str]) -> None:
    """For who answers in the room the EHR lists a launch that clinicians use as well, and no more, a day later too."""

    def change(site: Site) -> None:
        mirroring(FORM, EHR_LAUNCH, STANDALONE, more="system/Patient.r")(site)
        ruling(CALIFORNIA)(site)

    house = make_house(change=change)
    living(house, country="US", **({"state": state} if state else {}))
    visit = assigned(house)
    for hours in (0, 0, 25):
        mirror(house, hours=hours)

    mine = [row["id"] for row in house.rows(assignments) if row["encounter"] == visit]
    pages = {row["shape"]: row["state"] for row in house.rows(task_mirrors) if row["assignment"] in mine}
    assert pages == {shape: "written" if shape in shapes else "withheld" for shape in (FORM, EHR_LAUNCH, STANDALONE)}
    assert len(tasks(house, visit)) == len(shapes)


def test_an_age_that_is_not_told_makes_no_task(make_house: MakeHouse) -> None:
    """While the EHR refuses the Patient none is made for patients; an hour after it gives it they are there."""

    def change(site: Site) -> None:
        mirroring(FORM, more="system/Patient.r")(site)
        ruling(CALIFORNIA)(site)

    house = make_house(change=change)
    living(house, country="US", state="NV")
    visit = assigned(house)

    def refuse() -> tuple[str, int] | None:
        return ("", 403) if "/fhir/Patient/" in request.path else None

    house.ehr.before_request_funcs.setdefault(None, []).insert(0, refuse)
    mirror(house)
    before = tasks(house, visit)
    house.ehr.before_request_funcs[None].remove(refuse)
    mirror(house, hours=2)

    assert before == []
    assert len(tasks(house, visit)) == 1


@pytest.mark.parametrize(("years", "first"), [(11, False), (16, True), (18, False)])
def test_where_the_room_comes_first(own: House, years: int, first: bool) -> None:
    """From 12 to 17 the view and the page of links say so; a link is still to be had, and opens."""
    living(own, years=years)
    clinician, chart = own.clinician()

    links = clinician.open(chart.url.replace("/chart", "/links"))
    page = type_date(Person(), own.link(clinician, chart), own.born())

    assert (FIRST in chart.text, FIRST in links.text) == (first, first)
    assert page.status == 200


@pytest.mark.parametrize(("years", "asked"), [(15, False), (18, True), (20, True), (21, False)])
def test_a_site_says_who_is_asked(make_house: MakeHouse, years: int, asked: bool) -> None:
    """Who is there is asked at the ages of the site's rules, and at no other that they speak of."""
    rules = (
        '[[age_rule]]\nages = [0, 17]\nwhere = "anywhere"\nask_who = false',
        '[[age_rule]]\nages = [18, 20]\nwhere = "anywhere"',
    )
    house = make_house(change=ruling(*rules))
    living(house, THOMAS, years=years)
    living(house, MARIA, years=years)

    _, page = house.at_home(THOMAS)
    by_link = type_date(Person(), house.link(*house.clinician()), house.born())

    assert ("Is this you?" in page.text, "Is this you?" in by_link.text) == (asked, asked)


def test_a_site_wants_no_answers_on_a_relatives_device(make_house: MakeHouse) -> None:
    """The relative is told how the patient can answer, is offered nothing else, and gets no further by the address."""
    house = make_house(change=ruling('[[age_rule]]\nages = [12, 17]\nwhere = "anywhere"\nbeside = false\n'))
    living(house, WILHELMINA)
    person, page = proxy(house)

    fields = {"_csrf": house.token_of(person, handle_of(page))}
    url = page.url.replace("/who", "/here")
    tried = person.land(person.send("POST", url, fields, Origin=house.site.app_url))
    closed = person.submit(page, page.form("/not-here"))

    assert "Wilhelmina can answer another time: by signing in alone" in page.text
    assert "is here and answers" not in page.text
    assert tried.url == page.url
    assert [row["role"] for row in house.rows(launches)] == ["proxy"]
    assert "Nothing was sent" in closed.text


def test_a_launch_that_an_earlier_version_began(own: House) -> None:
    """A sealed launch without a place is one of a patient who may live anywhere."""
    person, page = own.at_home(THOMAS)
    (row,) = own.rows(launches)
    at = f"harbor/launches/{row['handle']}/context"
    context: dict[str, Any] = orjson.loads(own.services.vault.open(row["context"], place=at))
    del context["place"]
    sealed = own.services.vault.seal(orjson.dumps(context), place=at)
    with transaction(own.services.engine) as connection:
        connection.execute(update(launches).values(context=sealed))

    before = person.open(page.url)
    rule_from_now(own, replace(only(0, 150), places=("DE",)))

    assert before.status == 200
    assert refused(person.open(page.url))
