"""Reminders: by the clock alone, each at most once, outside the night, and only while a form waits."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fhir_alliance.delivery.restoring import doubt_everything
from fhir_alliance.ehr.draft import MESSAGE_SCOPE, VISIT_SCOPES
from fhir_alliance.settings import TRANSLATED
from fhir_alliance.tables import audit, patient_links
from fhir_alliance.visits.message_words import WORDS, Saying
from fhir_alliance.visits.messenger import Message
from smart_app.demo.site import Site

from .conftest import MakeHouse
from .house import MARIA, House, Person
from .test_web_backend import granting
from .test_web_due import due
from .test_web_home import begun
from .test_web_languages_of_ehrs import speaking
from .test_web_links import fill_in, type_date, with_links
from .test_web_restored import copy, database
from .test_web_visits import POLL, encounter, polling, watch
from .test_web_wishes import in_days, say

REMIND = '[schedule.site]\nremind_hours = [2, 24]\nquiet = ["00:00", "00:00"]\n'
SAYING, SAYING_SIGN_IN = WORDS["en"][Saying.LINK], WORDS["en"][Saying.SIGN_IN]
KEEPER = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n'); sys.exit(int(sys.argv[2]))"


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """Return what reads the messages that the site's program got."""
    got = tmp_path / "got"
    return lambda: [json.loads(line) for line in got.read_text().splitlines()] if got.exists() else []


def keeper(tmp_path: Path, ends: str = "0") -> str:
    """Return the command, for a site's settings, that keeps every message in a file."""
    return json.dumps([sys.executable, "-c", KEEPER, str(tmp_path / "got"), ends])


def reminding(tmp_path: Path, schedule: str = REMIND, ends: str = "0") -> Callable[[Site], None]:
    """Return a change of a site: it looks for visits, reminds of forms, and keeps every message in a file."""

    def change(site: Site) -> None:
        polling(site, schedule)
        with_links(f"command = {keeper(tmp_path, ends)}")(site)

    return change


@pytest.fixture
def own(make_house: MakeHouse, tmp_path: Path) -> House:
    """Open a house that reminds two hours and a day after a form opens, at any hour."""
    return make_house(change=reminding(tmp_path))


VISIT = "Encounter/maria-lopez-v14"


def nobody_else(house: House) -> None:
    """Call off what everybody else has these days: by the hour of the day their forms would be due as well."""
    store = house.ehr.extensions["sandbox_store"]
    recent = ("date", f"ge{house.opened - timedelta(days=2):%Y-%m-%d}")
    for visit in store.search("Encounter", [recent, ("_count", "500")]).resources:
        if visit["subject"]["reference"] != f"Patient/{MARIA}" and visit["status"] != "cancelled":
            store.update({**visit, "status": "cancelled"})


def held(house: House, *, start: datetime | None = None, status: str = "in-progress", minutes: int = 10) -> None:
    """Let Maria's visit of today begin now, so that its form opens in 35 minutes, and the app notice it."""
    nobody_else(house)
    begins = (start or house.now()).astimezone(house.services.settings.site.time_zone)  # today by the clinic's clock
    encounter(house, MARIA, start=begins, name=VISIT.partition("/")[2], status=status)
    watch(house, minutes=minutes)


def next_evening(house: House) -> datetime:
    """Return the next seven o'clock in the evening by the clinic's clock: within the day that is looked ahead."""
    local = house.now().astimezone(house.services.settings.site.time_zone)
    return local.replace(hour=19, minute=0, second=0, microsecond=0) + timedelta(days=local.hour >= 19)


def later(house: House, **span: float) -> int:
    """Let time pass and the app remind; returns how many reminders were tried."""
    house.ahead += timedelta(**span)
    return house.services.chaser.remind_due(house.now())


def test_each_reminder_comes_once(own: House, told: Callable[[], list[dict[str, Any]]]) -> None:
    """Nothing comes before its time; then one message, and one more a day after the form has opened, and no third."""
    held(own)
    tried = [later(own, hours=hours) for hours in (2.5, 0.2, 0.01, 22, 20)]

    assert tried == [0, 1, 0, 1, 0]
    assert [each["text"] for each in told()] == [SAYING_SIGN_IN] * 2
    assert told()[0]["link"] == own.url("/start/harbor")
    assert told()[0]["patient"] == f"Patient/{MARIA}"
    assert "Maria" not in json.dumps(told()).replace(MARIA, "")
    assert {row["outcome"] for row in own.rows(audit) if row["event"] == "reminder.sent"} == {"done"}


def test_two_workers_at_once(own: House, told: Callable[[], list[dict[str, Any]]]) -> None:
    """However many workers look at the same moment, one message is sent."""
    held(own)
    own.ahead += timedelta(hours=2.7)
    with ThreadPoolExecutor(6) as pool:
        tried = list(pool.map(lambda _: own.services.chaser.remind_due(own.now()), range(6)))

    assert sum(tried) == len(told()) == 1


def test_a_crash_means_none_and_never_two(own: House, told: Callable[[], list[dict[str, Any]]]) -> None:
    """One that was begun and never ended is not sent again, and the clinician is told that nobody knows."""
    held(own)
    begun = own.now() + timedelta(hours=2.6)
    found = own.services.reminders.waiting("harbor", ["site"], now=begun)
    (waiting,) = (each for each in found if each.patient == MARIA)
    own.services.reminders.begin((waiting.assignment, 2), (), link=None, mark=None, at=begun)

    assert later(own, hours=2.7) == 0
    assert told() == []
    own.ahead = timedelta()
    assert "Whether a reminder was sent " in own.clinician(MARIA)[1].text


def test_a_moved_visit_moves_its_reminders(own: House) -> None:
    """The time counts from when the form opens now, not from when it was to open before."""
    held(own)
    held(own, start=own.now() + timedelta(hours=3), status="planned", minutes=20)

    assert [later(own, hours=hours) for hours in (2.7, 2, 1)] == [0, 0, 1]


def answer(house: House) -> None:
    """Let the patient answer the form."""
    person, form = house.handed(MARIA)
    fill_in(person, form)


def decline(house: House) -> None:
    """Let the patient say "not today"."""
    person, form = house.handed(MARIA)
    person.submit(form, form.form("/form"), action="decline")


def take_back(house: House) -> None:
    """Let the patient answer, and take it back."""
    held(house, start=house.now() - timedelta(minutes=40), minutes=20)
    person, form = begun(house, MARIA)
    receipt = fill_in(person, form)
    asked = person.open(receipt.link("/take-back"))
    person.submit(asked, asked.form("/take-back"), cause="mistake")


def cancel(house: House) -> None:
    """Let the visit turn out not to have taken place."""
    held(house, status="cancelled", minutes=20)


@pytest.mark.parametrize("end", [answer, decline, take_back, cancel])
def test_it_stops(own: House, end: Callable[[House], None]) -> None:
    """Who has answered, taken it back, said "not today", or had no visit after all, is not reminded."""
    held(own)
    end(own)

    assert later(own, hours=2.7) == 0


@pytest.mark.parametrize("fields", [{"asked": "planned", "unreminded": "yes"}, {"asked": "never"}, {"asked": "pause"}])
def test_what_is_agreed_with_the_patient(own: House, fields: dict[str, str]) -> None:
    """No reminder comes to whom does not wish for any, is not asked at all, or is paused."""
    held(own)
    say(own, **fields, **({"until": in_days(own, 3)} if fields["asked"] == "pause" else {}))

    assert later(own, hours=2.7) == 0


def test_no_reminders_is_kept_and_shown(own: House) -> None:
    """The page shows again what was chosen, and forms stay due all the same."""
    person, chart = say(own, asked="planned", unreminded="yes")
    page = person.open(chart.url.replace("/chart", "/asking"))

    assert 'name="unreminded" value="yes" checked' in page.text
    assert "Due at this visit" in chart.text


def test_at_night_it_waits_for_the_morning(
    make_house: MakeHouse, tmp_path: Path, told: Callable[[], list[dict[str, Any]]]
) -> None:
    """In the quiet hours nothing is sent; when they end it is, if the form still waits then."""
    house = make_house(change=reminding(tmp_path, "[schedule.site]\nremind_hours = [2]\n"))
    evening = next_evening(house)
    held(house, start=evening, status="planned")
    house.ahead = evening - house.opened
    tried = [later(house, hours=hours) for hours in (3, 8, 2.2)]  # until 22, 6 and a little past 8 o'clock

    assert tried == [0, 0, 1]
    assert len(told()) == 1


def test_what_has_expired_by_the_morning(make_house: MakeHouse, tmp_path: Path) -> None:
    """A reminder of the night is dropped when its form is not asked any more in the morning."""
    house = make_house(change=reminding(tmp_path, "[schedule.site]\nwindow_hours = 4\nremind_hours = [2]\n"))
    evening = next_evening(house)
    held(house, start=evening, status="planned")
    house.ahead = evening - house.opened

    assert [later(house, hours=hours) for hours in (3, 8, 2.2)] == [0, 0, 0]


def test_a_long_outage(own: House) -> None:
    """What could not be sent for hours is left out, and the next one comes when it is planned."""
    held(own)

    assert [later(own, hours=hours) for hours in (9, 15.7)] == [0, 1]


def without_portal(site: Site) -> None:
    """Take the patient's client out of a site."""
    text = site.settings.read_text()
    before, _, rest = text.partition("[ehr.harbor.patient]")
    site.settings.write_text(f"{before}[ehr.harbor.backend]{rest.partition('[ehr.harbor.backend]')[2]}")


@pytest.fixture
def linked(make_house: MakeHouse, tmp_path: Path) -> House:
    """Open a house whose EHR has no portal of ours, so that links are all there is."""

    def change(site: Site) -> None:
        reminding(tmp_path)(site)
        without_portal(site)

    return make_house(change=change)


def test_a_reminder_of_a_link_opens_the_same_form(
    linked: House, told: Callable[[], list[dict[str, Any]]], quiet_log: list[dict[str, str]]
) -> None:
    """It has an address of its own, kept as its fingerprint; both addresses open the form until it was sent once."""
    held(linked)
    link = linked.link(*linked.clinician(MARIA))
    later(linked, hours=2.7)
    (message,) = told()
    person, born = Person(), linked.born()
    receipt = fill_in(person, type_date(person, message["link"], born))

    assert message["text"] == SAYING
    assert message["link"] != link
    assert message["link"].rpartition("/")[2] not in repr(linked.contents()) + repr(quiet_log)
    assert "We have received your answers" in receipt.text
    assert [Person().open(each).status for each in (link, message["link"])] == [404, 404]


def test_a_link_that_was_taken_back(linked: House) -> None:
    """Nothing is sent about it, and what an earlier reminder had opens nothing any more."""
    held(linked)
    clinician, chart = linked.clinician(MARIA)
    linked.link(clinician, chart)
    links = clinician.open(chart.url.replace("/chart", "/links"))
    clinician.submit(links, links.form("/revoke"))

    assert later(linked, hours=2.7) == 0
    assert linked.rows(patient_links)[0]["revoked_at"]


def test_wrong_dates_at_a_reminder_close_the_link(linked: House, told: Callable[[], list[dict[str, Any]]]) -> None:
    """The tries are those of the link, whichever address they come by."""
    held(linked)
    link = linked.link(*linked.clinician(MARIA))
    later(linked, hours=2.7)
    for _ in range(5):
        type_date(Person(), told()[0]["link"], {"day": "1", "month": "1", "year": "1970"})

    assert Person().open(link).status == 404


def test_nobody_is_reminded_without_a_way_to_answer(linked: House) -> None:
    """Without a link and without a portal there is nothing that a message could lead to."""
    held(linked)

    assert later(linked, hours=2.7) == 0


def test_a_program_that_fails(make_house: MakeHouse, tmp_path: Path) -> None:
    """It is tried once, not again, and the audit trail has why."""
    house = make_house(change=reminding(tmp_path, ends="3"))
    held(house)

    assert [later(house, hours=hours) for hours in (2.7, 1)] == [1, 0]
    (row,) = [row for row in house.rows(audit) if row["event"] == "reminder.sent"]
    assert (row["outcome"], row["actor"], row["patient"]) == ("messenger.failed", "chaser", MARIA)


def test_the_clinician_sees_it(own: House) -> None:
    """The view of the visit says when the patient was reminded of its form."""
    held(own)
    before = due(own)
    later(own, hours=2.7)
    own.ahead = timedelta()

    assert before == "Due at this visit: the short form (each visit)."
    assert due(own).startswith(f"{before} Reminded ")


def by_ehr(scopes: str) -> Callable[[Site], None]:
    """Return a change of a site: its EHR passes messages on, as far as the backend client may ask it to."""

    def change(site: Site) -> None:
        with_links("communication_request = true")(site)
        granting(scopes)(site)
        site.settings.write_text(f"{site.settings.read_text()}{POLL}{REMIND}")
        without_portal(site)

    return change


def test_the_ehr_passes_it_on(make_house: MakeHouse) -> None:
    """A CommunicationRequest is created with the app's own permission: one for the link, one for the reminder."""
    house = make_house(change=by_ehr(f"{VISIT_SCOPES} {MESSAGE_SCOPE}"))
    held(house)
    clinician, chart = house.clinician(MARIA)
    links = clinician.open(chart.url.replace("/chart", "/links"))
    made = clinician.submit(links, links.form("/links"), form="core", pass_on="yes")
    house.services.chaser.remind_due(house.now() + timedelta(hours=2.7))

    found = house.ehr.extensions["sandbox_store"].search("CommunicationRequest", [("patient", MARIA)]).resources
    posted = [call for call in house.traffic if call[:2] == ("POST", "/fhir/CommunicationRequest")]
    assert "has taken it" in made.text
    assert [(call[2], call[3]) for call in posted] == [(201, "alliance-backend")] * 2
    assert {each["payload"][0]["contentString"] for each in found} == {SAYING}
    assert sorted("requester" in each for each in found) == [False, True]


def test_an_ehr_that_does_not_take_it(make_house: MakeHouse) -> None:
    """Without the scope the page says that nobody took the link, and the reminder is not tried for ever."""
    house = make_house(change=by_ehr(VISIT_SCOPES))
    held(house)
    clinician, chart = house.clinician(MARIA)
    links = clinician.open(chart.url.replace("/chart", "/links"))
    made = clinician.submit(links, links.form("/links"), form="core", pass_on="yes")

    assert "did not take it" in made.text
    assert [later(house, hours=hours) for hours in (2.7, 1)] == [1, 0]


def test_off_until_a_site_says_so(make_house: MakeHouse, tmp_path: Path) -> None:
    """Without `remind_hours` nobody is reminded."""
    house = make_house(change=reminding(tmp_path, ""))
    held(house)

    assert later(house, hours=2.7) == 0


def test_a_reminder_is_in_the_patients_language(
    make_house: MakeHouse, tmp_path: Path, told: Callable[[], list[dict[str, Any]]]
) -> None:
    """The language that the record prefers comes first; one without words of ours, or not told, gives the EHR's own."""

    def change(site: Site) -> None:
        granting(f"{VISIT_SCOPES} system/Patient.r")(site)
        with_links(f"command = {keeper(tmp_path)}")(site)
        speaking('["fr", "en"]', "visit-check-in-1.0.0.fr")(site)

    house = make_house(change=change)
    said = [(_message(house, told, spoken)) for spoken in (["en", "es-MX"], ["it"], [])]

    assert said == [WORDS[tag][Saying.SIGN_IN] for tag in ("es", "fr", "fr")]


def _message(house: House, told: Callable[[], list[dict[str, Any]]], spoken: list[str]) -> str:
    """Let a patient, whose record prefers the last of some languages, get a message; returns its text."""
    store = house.ehr.extensions["sandbox_store"]
    codings = [{"coding": [{"system": "urn:ietf:bcp:47", "code": tag}]} for tag in spoken]
    languages = [{"language": each, "preferred": each is codings[-1]} for each in codings]
    store.update({**store.read("Patient", MARIA), "communication": languages})
    ehr, now = house.services.settings.ehrs["harbor"], house.now()
    message = Message(
        key=str(uuid4()),
        patient=f"Patient/{MARIA}",
        saying=Saying.SIGN_IN,
        link=house.url("/start/harbor"),
        authored=now,
        expires=now + timedelta(hours=1),
    )
    house.services.messenger.send(ehr, message)
    return str(told()[-1]["text"])


def test_a_message_has_words_in_every_language() -> None:
    """What the pages speak a message speaks, too, and each says no more than the other."""
    assert {*WORDS} == {"en", *TRANSLATED}
    assert all({*said} == {*Saying} for said in WORDS.values())


def restore(house: House, backup: Path, at: datetime) -> None:
    """Put a backup in the place of the database, and say so."""
    copy(backup, database(house))
    doubt_everything(house.services.engine, by="Jo Park", at=at)


def test_a_program_is_not_told_again_after_a_restore(
    own: House, tmp_path: Path, told: Callable[[], list[dict[str, Any]]]
) -> None:
    """What a program may have sent since the backup it is not asked to send again; the next reminder comes (T84)."""
    held(own)
    copy(database(own), tmp_path / "backup.db")
    later(own, hours=2.7)

    restore(own, tmp_path / "backup.db", own.now())

    assert [later(own, hours=hours) for hours in (0.1, 22)] == [0, 1]
    assert len(told()) == 2


@pytest.mark.parametrize(
    ("more", "sent_before", "messages"),
    [("rs", True, 1), ("rs", False, 1), ("", True, 1), ("", False, 0)],
)
def test_an_ehr_is_asked_after_a_restore(
    make_house: MakeHouse, tmp_path: Path, more: str, sent_before: bool, messages: int
) -> None:
    """What is found by its identifier is not sent again, what is not is; where nobody may look, nothing is (T84)."""
    house = make_house(change=by_ehr(f"{VISIT_SCOPES} {MESSAGE_SCOPE}{more}"))
    held(house)
    house.link(*house.clinician(MARIA))
    copy(database(house), tmp_path / "backup.db")
    lost_at = house.now() + timedelta(hours=2.7)
    if sent_before:
        house.services.chaser.remind_due(lost_at)

    restore(house, tmp_path / "backup.db", lost_at)
    house.services.chaser.remind_due(lost_at + timedelta(minutes=6))

    assert len(messages_in(house)) == messages


def test_what_an_ehr_has_after_a_restore_was_sent(make_house: MakeHouse, tmp_path: Path) -> None:
    """A reminder that the database has forgotten is told as sent, and the link that the patient has opens the form."""
    house = make_house(change=by_ehr(f"{VISIT_SCOPES} {MESSAGE_SCOPE}rs"))
    held(house)
    house.link(*house.clinician(MARIA))
    copy(database(house), tmp_path / "backup.db")
    lost_at = house.now() + timedelta(hours=2.7)
    house.services.chaser.remind_due(lost_at)
    link = messages_in(house)[0]["payload"][1]["contentString"]

    restore(house, tmp_path / "backup.db", lost_at)
    house.services.chaser.remind_due(lost_at + timedelta(minutes=6))

    told = house.services.reminders.of_visit("harbor", MARIA, VISIT)
    person = Person()
    receipt = fill_in(person, type_date(person, link, house.born()))
    assert [each.sent for each in told] == [True]
    assert "We have received your answers" in receipt.text
    assert len(messages_in(house)) == 1


def messages_in(house: House) -> list[dict[str, Any]]:
    """Return what the EHR was asked to tell Maria."""
    found = house.ehr.extensions["sandbox_store"].search("CommunicationRequest", [("patient", MARIA)]).resources
    return list(found)
