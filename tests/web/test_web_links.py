"""A patient's link: random, for one form, opened with the birth date, and of no use to anybody else (T51)."""

import json
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fhir_alliance.delivery.receipts import State
from fhir_alliance.tables import assignments, audit, drafts, launches, patient_links, sessions, submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site
from tests.bench.watched import Watched

from .conftest import MakeHouse
from .house import CORE, MARIA, SESSION, THOMAS, House, Person, code_of, handle_of
from .test_web_home import change_visit
from .test_web_visits import polling, watch

WRONG = {"day": "1", "month": "1", "year": "1970"}


ON = "[links]\nenabled = true\n"


def with_links(*lines: str, on: bool = True) -> Callable[[Site], None]:
    """Return what turns a site's links on, with more lines below [links], or off."""
    wanted = "\n".join(("[links]", f"enabled = {str(on).lower()}", *lines, ""))

    def change(site: Site) -> None:
        settings = site.settings.read_text("utf-8")
        assert ON in settings
        site.settings.write_text(settings.replace(ON, wanted), "utf-8")

    return change


@pytest.fixture
def linking(own: House) -> House:
    """Open a house of one test's own, whose site has links."""
    return own


def type_date(person: Person, link: str, typed: dict[str, str]) -> Page:
    """Open a link and type a birth date."""
    start = person.open(link)
    return person.submit(start, start.forms[0], **typed)


def fill_in(person: Person, form: Page) -> Page:
    """Answer, review and send; returns the receipt."""
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    return person.submit(review, review.form("/send"))


def test_without_the_switch_there_are_no_links(make_house: MakeHouse) -> None:
    """A site that does not enable links has none to make and none to open, and the view does not offer any."""
    house = make_house(change=with_links(on=False))
    clinician, chart = house.clinician()

    pages = [clinician.open(chart.url.replace("/chart", "/links")), Person().open(house.url("/link/" + "a" * 43))]

    assert "Send a link" not in chart.text
    assert [(page.status, code_of(page)) for page in pages] == [(404, "link.none"), (404, "link.invalid")]


def test_looking_uses_nothing_up_and_shows_nobody(linking: House) -> None:
    """Mail programs may open a link as often as they like: nobody's name, nothing kept, and it still opens (T51)."""
    link = linking.link(*linking.clinician())
    before = linking.contents()

    looks = [Person().open(link) for _ in range(3)]
    changed = linking.contents() != before
    form = type_date(Person(), link, linking.born())

    assert [page.status for page in looks] == [200] * 3
    assert not changed
    assert not any(name in page.text for page in looks for name in ("Maria", "Lopez", "Okafor"))
    assert "How was your visit" in form.text


def test_from_the_tap_to_the_first_question_in_one_flight(linking: House) -> None:
    """One request shows the first question, the birth date; two more the longest form: each way within 14 KB.

    Nothing else is asked for before a page is shown: the style is inside, and the script waits.
    """
    phone = Watched()
    start = phone.open(linking.link(*linking.clinician(), "full"))
    tap = phone.take()

    form = phone.submit(start, start.forms[0], **linking.born())
    opened = phone.take()

    assert "Your birth date" in start.text
    assert "I felt at ease with my therapist" in form.text
    assert (len(tap), len(opened)) == (1, 2)
    assert max(sum(tap), sum(opened)) <= 14 * 1024
    for page in (start, form):
        assert re.findall(r"<link rel=\"(\w+)\"", page.text) == ["icon"]
        assert re.findall(r"<script(\s?\w*)", page.text) == [" defer"]


def test_the_link_is_kept_as_a_fingerprint_and_never_logged(linking: House, quiet_log: list[dict[str, str]]) -> None:
    """The database and the log hold nothing that a link could be made of, also after it was refused (T68)."""
    link = linking.link(*linking.clinician())
    secret = link.rpartition("/")[2]
    person = Person()

    fill_in(person, type_date(person, link, linking.born()))
    Person().open(link)

    assert len(secret) == 43
    assert secret not in repr(linking.contents())
    assert secret not in repr(quiet_log)


def test_a_young_patient_with_a_link_is_asked_who_is_there(linking: House) -> None:
    """Parents know the birth date: under 18 nothing of the visit is shown before a yes, and "not me" closes it (P8)."""
    store = linking.ehr.extensions["sandbox_store"]
    store.update({**store.read("Patient", MARIA), "birthDate": f"{linking.now().year - 15}-01-02"})
    link, born = linking.link(*linking.clinician()), {"day": "2", "month": "1", "year": f"{linking.now().year - 15}"}
    parent, patient = Person(), Person()

    asked = type_date(parent, link, born)
    refused = parent.submit(asked, asked.form("/not-me"))
    again = type_date(patient, link, born)
    form = patient.submit(again, again.form("/confirm"))

    assert "A parent or helper cannot answer them." in asked.text
    assert "Okafor" not in asked.text
    assert "This page has closed" in refused.text
    assert "How was your visit" in form.text
    assert "They are" in fill_in(patient, form).text


@pytest.mark.parametrize(
    ("form", "days", "shown"),
    [
        ("core", 3, "How was your visit"),
        ("full", 3, "How was your visit"),  # not due at this visit: a person has chosen it
        ("full", 0, "This link does not work"),
        ("core", 0, "This link does not work"),
    ],
)
def test_a_link_goes_with_a_visit_that_is_moved(make_house: MakeHouse, form: str, days: int, shown: str) -> None:
    """It works as much longer as the visit is later; one whose visit stays where it is ends when it was said to."""
    house = make_house(change=polling)
    clinician, chart = house.clinician()
    link, born = house.link(clinician, chart, form), house.born()
    closes = _closings(house)
    visit = next(row["encounter"] for row in house.rows(launches) if row["role"] == "link")
    period = house.ehr.extensions["sandbox_store"].read("Encounter", visit.partition("/")[2])["period"]
    later = {name: (datetime.fromisoformat(at) + timedelta(days=days)).isoformat() for name, at in period.items()}
    change_visit(house, visit, period=later, status="planned")
    watch(house, minutes=10)

    house.ahead = timedelta(days=3)
    person = Person()
    start = person.open(link)
    page = person.submit(start, start.forms[0], **born) if days else start

    assert shown in page.text
    assert _closings(house) == {url: at + timedelta(days=days) for url, at in closes.items()}


def _closings(house: House) -> dict[str, datetime]:
    """Return until when each form that was assigned about Maria's visit of today is asked."""
    (visit,) = {row["encounter"] for row in house.rows(launches) if row["role"] == "link"}
    mine = [row for row in house.rows(assignments) if row["encounter"] == visit]
    return {row["form_url"]: row["closes_at"] for row in mine}


def test_answers_sent_after_the_page_was_left_are_kept_for_the_link(linking: House) -> None:
    """Half an hour alone closes the page; what it still sends is kept unseen, and the link leads back to it (T42)."""
    link, born, person = linking.link(*linking.clinician()), linking.born(), Person()
    form = type_date(person, link, born)

    linking.ahead = timedelta(minutes=31)
    late = person.submit(form, form.form("/form"), **CORE, action="review")
    again = type_date(Person(), link, born)

    assert late.status == 401
    assert "Open your link again to go on where you were." in late.text
    assert not any(name in late.text for name in ("Maria", link))
    assert again.text.count(" checked") == len(CORE)


def test_sent_once_and_never_again(linking: House) -> None:
    """After sending, the link is like one that never was, for whoever holds it; coming back before that is fine."""
    link, born = linking.link(*linking.clinician()), linking.born()
    first, second = Person(), Person()
    type_date(first, link, born)

    receipt = fill_in(second, type_date(second, link, born))
    used = [Person().open(link), Person().open(linking.url("/link/" + "a" * 43))]
    token = {"_csrf": linking.token_of(Person())}
    again = [Person().send("POST", url, {**token, **born}, Origin=linking.site.app_url) for url in (link, link + "x")]

    assert "We have received your answers" in receipt.text
    assert [(page.status, code_of(page)) for page in used] == [(404, "link.invalid")] * 2
    assert (
        used[0].text.partition("<main")[2].partition("For support")[0]
        == (used[1].text.partition("<main")[2].partition("For support")[0])
    )
    assert [reply.status_code for reply in again] == [404, 404]
    assert len(linking.rows(submissions)) == 1


def test_wrong_birth_dates_close_the_link_and_the_clinician_is_told(make_house: MakeHouse) -> None:
    """After three wrong dates the right one does not open it any more, and the view says so."""
    house = make_house(change=with_links("attempts = 3"))
    clinician, chart = house.clinician()
    link = house.link(clinician, chart)

    tries = [type_date(Person(), link, WRONG) for _ in range(3)]
    right = Person().send("POST", link, {"_csrf": house.token_of(Person()), **house.born()}, Origin=house.site.app_url)

    assert [page.status for page in tries] == [422, 422, 404]
    assert "You can try 2 more times" in tries[0].text
    assert right.status_code == 404
    assert "a wrong birth date was typed too often" in clinician.open(chart.url).text
    events = [row["event"] for row in house.rows(audit) if row["event"].startswith("link.")]
    assert events[:5] == ["link.made", "link.mismatched", "link.mismatched", "link.mismatched", "link.locked"]


def test_many_guesses_at_once_are_no_more_than_one_after_another(make_house: MakeHouse) -> None:
    """A burst of guesses gets as many answers as there are tries, and not one more."""
    house = make_house(change=with_links("attempts = 3"))
    link = house.link(*house.clinician())
    people = [Person() for _ in range(12)]
    pages = [person.open(link) for person in people]

    def guess(number: int) -> int:
        return people[number].post(pages[number], pages[number].forms[0], **WRONG).status_code

    with ThreadPoolExecutor(max_workers=12) as pool:
        statuses = sorted(pool.map(guess, range(12)))

    assert set(statuses) <= {404, 422}
    assert len([row for row in house.rows(audit) if row["event"] == "link.mismatched"]) == 3


def test_what_is_no_date_costs_no_try(linking: House) -> None:
    """A slip such as month 13 is shown again as it was typed, with what a date looks like, and counts for nothing."""
    link = linking.link(*linking.clinician())

    page = type_date(Person(), link, {"day": "14", "month": "13", "year": "1988"})

    assert page.status == 422
    assert "That is not a date" in page.text
    assert 'value="13"' in page.text
    assert [row["tries_left"] for row in linking.rows(patient_links)] == [5]


def test_it_expires(make_house: MakeHouse) -> None:
    """A minute before its time it opens, a minute after it does not, and a form that is open then can still be sent."""
    house = make_house(change=with_links("valid_hours = 1"))
    link, born = house.link(*house.clinician()), house.born()

    house.ahead = timedelta(minutes=59)
    person = Person()
    form = type_date(person, link, born)
    house.ahead = timedelta(minutes=61)
    late = Person().open(link)
    receipt = fill_in(person, form)

    assert (late.status, code_of(late)) == (404, "link.invalid")
    assert "We have received your answers" in receipt.text


def test_a_clinician_takes_it_back(linking: House) -> None:
    """Taken back, it opens nothing, and a form that was open with it closes; the list says what became of it."""
    clinician, chart = linking.clinician()
    link, born, person = linking.link(clinician, chart), linking.born(), Person()
    form = type_date(person, link, born)

    links = clinician.open(chart.url.replace("/chart", "/links"))
    after = clinician.submit(links, links.form("/revoke"))

    assert "taken back" in after.text
    assert Person().open(link).status == 404
    assert person.open(form.url).status == 401


def test_another_patients_link_cannot_be_taken_back(linking: House) -> None:
    """A link is reached from the chart of its own patient only (T41)."""
    link = linking.link(*linking.clinician(MARIA))
    other, chart = linking.clinician(THOMAS)
    (row,) = linking.rows(patient_links)

    handle = handle_of(chart)
    fields = {"_csrf": linking.token_of(other, handle)}
    other.send("POST", linking.url(f"/l/{handle}/links/{row['id']}/revoke"), fields, Origin=linking.site.app_url)

    assert "Maria" not in other.open(chart.url.replace("/chart", "/links")).text
    assert Person().open(link).status == 200


def test_two_devices_at_once_lose_no_answer(linking: House) -> None:
    """What was answered on the first device is there on the second, and the first is told that it has closed."""
    link, born = linking.link(*linking.clinician()), linking.born()
    phone, tablet = Person(), Person()
    form = type_date(phone, link, born)
    phone.submit(form, form.form("/form"), **CORE, action="review")

    again = type_date(tablet, link, born)
    closed = phone.open(form.url)
    receipt = fill_in(tablet, again)

    assert again.text.count(" checked") == len(CORE)
    assert (closed.status, code_of(closed)) == (401, "session.none")
    assert "We have received your answers" in receipt.text
    assert len(linking.rows(submissions)) == 1


def test_opening_begins_a_session_of_its_own(linking: House) -> None:
    """The session id is new, what was open in this browser ends, and an id planted before is worth nothing (T36)."""
    clinician, chart = linking.clinician()
    link, planted, spy = linking.link(clinician, chart), clinician.cookie(SESSION), Person()
    spy.take_cookie(clinician, SESSION)

    form = type_date(clinician, link, linking.born())

    assert clinician.cookie(SESSION) != planted
    assert [person.open(chart.url).status for person in (clinician, spy)] == [401, 401]
    assert spy.open(form.url).status == 401


def test_it_opens_the_form_and_nothing_else(linking: House) -> None:
    """Neither the chart, nor the list of visits, nor what the patient sent before can be reached with a link (T50)."""
    link, person = linking.link(*linking.clinician()), Person()
    form = type_date(person, link, linking.born())
    base = linking.url(f"/l/{handle_of(form)}")

    paths = ("chart", "visits", "who", "delivery", "links", "handover")

    assert {path: person.open(f"{base}/{path}").status for path in paths} == dict.fromkeys(paths, 401)
    assert person.open(f"{base}/confirm").url == form.url


def test_the_receipt_shows_no_answers(linking: House) -> None:
    """Whoever holds the phone next sees that something was sent, and neither the answers nor the name."""
    link, person = linking.link(*linking.clinician()), Person()

    receipt = fill_in(person, type_date(person, link, linking.born()))

    assert "What you sent" not in receipt.text
    assert "Maria" not in receipt.text


def test_the_form_is_pinned_to_visit_and_version(linking: House) -> None:
    """What is sent is about the patient, the visit and the form of the launch that the link was made in."""
    clinician, chart = linking.clinician()
    link, person = linking.link(clinician, chart, form="full"), Person()
    type_date(person, link, linking.born())
    (made,) = (row for row in linking.rows(launches) if row["role"] == "link")
    (source,) = (row for row in linking.rows(launches) if row["role"] == "clinician")

    assert (made["patient"], made["encounter"]) == (MARIA, source["encounter"])
    assert linking.rows(patient_links)[0]["form"].endswith("-patient-full|1.0.0")
    assert linking.rows(drafts)[0]["form"] == linking.rows(patient_links)[0]["form"]


def test_the_answers_wait_for_the_next_sign_in(linking: House) -> None:
    """The clinician's permission is not used for them: they are held until somebody opens this patient's chart."""
    link, person = linking.link(*linking.clinician()), Person()
    fill_in(person, type_date(person, link, linking.born()))

    linking.deliver()
    (held,) = linking.rows(submissions)
    linking.clinician(THOMAS)
    linking.deliver()
    (still,) = linking.rows(submissions)
    linking.clinician(MARIA)
    linking.deliver()
    (done,) = linking.rows(submissions)

    assert (held["state"], held["reason"]) == (State.HELD, "needs-sign-in")
    assert still["state"] == State.HELD
    assert done["state"] == State.DELIVERED
    assert [row["event"] for row in linking.rows(audit) if row["event"] == "link.used"] == ["link.used"]


def test_no_link_in_a_token_of_another_browser(linking: House) -> None:
    """The birth date counts only with a token of this very browser, so that no other page can spend tries (CSRF)."""
    link = linking.link(*linking.clinician())

    replies = [
        Person().send("POST", link, WRONG, Origin=linking.site.app_url),
        Person().send(
            "POST", link, {"_csrf": linking.token_of(Person()), **WRONG}, Origin="http://evil.example.invalid"
        ),
    ]

    assert [reply.status_code for reply in replies] == [403, 403]
    assert [row["tries_left"] for row in linking.rows(patient_links)] == [5]


def test_a_form_that_is_withdrawn_meanwhile(linking: House) -> None:
    """Who has begun a form that may not be asked any more is told in plain words; what was answered is kept."""
    clinician, chart = linking.clinician()
    link, person = linking.link(clinician, chart), Person()
    form = type_date(person, link, linking.born())
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    others = [each for each in linking.services.catalogue.instruments if each.name != "visit-check-in"]

    catalogue = replace(linking.services.catalogue, instruments=tuple(others))
    linking.app.extensions["alliance"] = replace(linking.services, catalogue=catalogue)
    pages = [person.open(form.url), person.submit(review, review.form("/send"))]

    assert [page.status for page in pages] == [410, 410]
    assert all("This form is not asked any more" in page.text for page in pages)
    assert "Your answers so far are kept for a day." in pages[0].text
    assert len(linking.rows(drafts)) == 1
    assert linking.rows(submissions) == []


def test_a_visit_that_is_called_off_meanwhile(make_house: MakeHouse) -> None:
    """Who fills in by a link is told once it was noticed; nothing is sent, and the answers are kept."""
    linking = make_house(change=polling)
    watch(linking)
    person, form = linking.linked()
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    (draft,) = linking.rows(drafts)
    change_visit(linking, draft["encounter"], status="cancelled")
    watch(linking, minutes=10)

    pages = [person.open(form.url), person.submit(review, review.form("/send"))]

    assert [page.status for page in pages] == [410, 410]
    assert all("This visit did not take place" in page.text for page in pages)
    assert "/visits" not in pages[0].text
    assert len(linking.rows(drafts)) == 1
    assert linking.rows(submissions) == []


MESSENGER = """
import json, sys
told = json.load(sys.stdin)
open(sys.argv[1], "w").write(json.dumps({"told": told, "argv": sys.argv[2:]}))
sys.exit(int(sys.argv[2]))
"""


@pytest.mark.parametrize(("ends", "said"), [("0", "has taken it"), ("3", "did not take it")])
def test_the_sites_program_gets_the_link_on_stdin(
    make_house: MakeHouse, tmp_path: Path, ends: str, said: str, quiet_log: list[dict[str, str]]
) -> None:
    """The program gets link, patient and a text without a clinical word; where it fails, the page says so."""
    program, got = tmp_path / "send.py", tmp_path / "got.json"
    program.write_text(MESSENGER, "utf-8")
    command = json.dumps([sys.executable, str(program), str(got), ends])
    house = make_house(change=with_links(f"command = {command}"))
    clinician, chart = house.clinician()
    links = clinician.open(chart.url.replace("/chart", "/links"))

    page = clinician.submit(links, links.form("/links"), form="core", pass_on="yes")

    told = json.loads(got.read_text("utf-8"))
    assert said in page.text
    assert told["argv"] == [ends]
    assert told["told"]["link"] in page.text
    assert told["told"]["patient"] == f"Patient/{MARIA}"
    assert told["told"]["text"] == "A form is waiting for you. You need your birth date to open it."
    assert told["told"]["link"] not in repr(quiet_log)
    assert Person().open(told["told"]["link"]).status == 200


def test_nobody_elses_session_holds_a_waiting_launch(linking: House) -> None:
    """Until it is opened, the launch of a link is in a session that has ended, and whose secret nobody has."""
    linking.link(*linking.clinician())
    (waiting,) = (row for row in linking.rows(launches) if row["role"] == "link")

    (own,) = (row for row in linking.rows(sessions) if row["id_hash"] == waiting["session_hash"])

    assert own["ended_at"] is not None
