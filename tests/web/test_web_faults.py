"""The EHR is away, slow to renew, or has changed its mind: a clear page, and nothing that was entered is lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from fhir_alliance.tables import grants, submissions
from smart_app.demo.browser import Page

from .house import CORE, MARIA, THOMAS, House, Person, code_of, handle_of


def sent(person: Person, form: Page) -> Page:
    """Fill in and send a core form; returns the receipt page."""
    review = person.submit(form, form.form("/form"), **CORE, action="review")
    return person.submit(review, review.form("/send"))


def state(house: House, receipt: Page) -> tuple[str, str | None]:
    """Return where a submission is, and why."""
    key = receipt.url.rpartition("/")[2]
    row = next(row for row in house.rows(submissions) if row["key"] == key)
    return row["state"], row["reason"]


def revoke(house: House, page: Page, *columns: str) -> None:
    """Let the EHR end tokens of a launch's permission, as its administrator would."""
    handle = handle_of(page)
    launch = next(row for row in house.contents()["launches"] if row["handle"] == handle)
    row = next(row for row in house.rows(grants) if row["id"] == launch["grant_id"])
    for column in columns:
        token = house.services.vault.open(row[column], place=f"harbor/grants/{row['id']}/{column}").decode()
        data = {"client_id": "alliance-patient", "token": token}
        requests.post(f"{house.site.ehr_url}/auth/revoke", data=data, timeout=10).raise_for_status()


def calls(house: House, since: int, part: str) -> list[int]:
    """Return the statuses of the EHR's answers to requests for a path, since some point."""
    return [call[2] for call in list(house.traffic)[since:] if part in call[1]]


def test_a_view_that_the_ehr_is_too_far_away_for_can_be_tried_again(own: House) -> None:
    """The page says so and has a way back to the very same address."""
    clinician, chart = own.clinician()
    own.stop_ehr()

    page = clinician.open(f"{chart.url}?visits=6")

    assert (page.status, code_of(page)) == (503, "ehr.unreachable")
    assert f'href="{chart.url.removeprefix(own.site.app_url)}?visits=6">Try again</a>' in page.text


def test_f01_a_form_is_accepted_while_the_ehr_is_away(own: House) -> None:
    """Answers can be changed, reviewed and sent without the EHR; they are delivered, once, when it is back (F03)."""
    person, form = own.handed()
    own.stop_ehr()

    receipt = sent(person, form)
    own.deliver()
    waiting = state(own, receipt), person.open(receipt.url).text
    own.start_ehr()
    own.ahead = timedelta(minutes=1)
    own.deliver()
    own.deliver()

    responses, observations = own.written(receipt.url.rpartition("/")[2])
    assert receipt.status == 200
    assert waiting[0] == ("accepted", "ehr.unreachable")
    assert "on their way to your chart" in waiting[1]
    assert state(own, receipt) == ("delivered", None)
    assert (len(responses), len(observations)) == (1, 2)


def test_pages_that_need_the_ehr_say_that_it_is_away(own: House, quiet_log: list[dict[str, str]]) -> None:
    """Chart and callback answer 503 in plain words with a code that the log has too; afterwards the chart works."""
    clinician, chart = own.clinician()
    waiting = own.callback_url(clinician)
    own.stop_ehr()

    pages = [clinician.open(chart.url), clinician.open(waiting)]
    own.start_ehr()

    assert [(page.status, code_of(page)) for page in pages] == [(503, "ehr.unreachable")] * 2
    assert all("does not answer right now" in page.text for page in pages)
    assert [entry["code"] for entry in quiet_log if entry["event"] == "request.failed"] == ["ehr.unreachable"] * 2
    assert "Maria Lopez" not in pages[0].text
    assert clinician.open(chart.url).status == 200


def test_an_ehr_that_is_left_alone_is_told_at_once(own: House) -> None:
    """After some failures the same plain page comes without a request, and pages of our own work as before (F03)."""
    clinician, chart = own.clinician()
    own.stop_ehr()
    for _ in range(2):
        clinician.open(chart.url)

    own.start_ehr()
    asked = len(own.traffic)
    page = clinician.open(chart.url)

    assert (page.status, code_of(page)) == (503, "ehr.not-sent")
    assert "does not answer right now" in page.text
    assert own.services.registry.availability()["harbor"].state == "open"
    assert len(own.traffic) == asked
    assert Person().send("GET", own.url("/health")).status_code == 200


def test_an_access_token_that_ends_is_renewed_quietly(make_house: Callable[..., House]) -> None:
    """With tokens that end at once, chart, handover and delivery all work; each renewal is one call (S28)."""
    house = make_house(token_seconds=30)
    clinician, chart = house.clinician()
    asked = len(house.traffic)

    page = clinician.open(chart.url)

    assert page.status == 200
    assert calls(house, asked, "/auth/token") == [200]
    assert state(house, _delivered(house)) == ("delivered", None)


def _delivered(house: House) -> Page:
    receipt = sent(*house.handed())
    house.deliver()
    return receipt


def test_a_token_the_ehr_refuses_is_renewed_once(own: House) -> None:
    """The EHR ended the token early: one 401, one renewal, and the page is there."""
    person, visits = own.at_home()
    revoke(own, visits, "access_token")
    asked = len(own.traffic)

    page = person.open(visits.url)

    assert page.status == 200
    assert calls(own, asked, "/auth/token") == [200]
    assert 401 in calls(own, asked, "/fhir/Encounter")


def test_an_ended_permission_asks_for_a_sign_in(own: House) -> None:
    """When the permission itself has ended, the page says so and shows nothing of the patient (T36)."""
    person, visits = own.at_home()
    revoke(own, visits, "access_token", "refresh_token")

    page = person.open(visits.url)

    assert (page.status, code_of(page)) == (401, "ehr.sign-in")
    assert "Please sign in again" in page.text


def test_what_waits_for_a_sign_in_goes_on_after_it(own: House) -> None:
    """Sent before, the answers are held, said to be safe, and delivered with the patient's next sign-in."""
    person, visits = own.at_home()
    form = person.submit(visits, visits.form("/visit"), encounter="none")
    receipt = sent(person, form)
    revoke(own, visits, "access_token", "refresh_token")
    own.deliver()
    held, words = state(own, receipt), person.open(receipt.url).text

    own.at_home()
    own.deliver()

    assert held == ("held", "needs-sign-in")
    assert "They are kept safe here" in words
    assert state(own, receipt) == ("delivered", None)


def test_a_launch_says_what_it_has_released(own: House) -> None:
    """The first view after a sign-in says how many forms waited for it and are on their way, until they have come."""
    person, visits = own.at_home()
    sent(person, person.submit(visits, visits.form("/visit"), encounter="none"))
    revoke(own, visits, "access_token", "refresh_token")
    own.deliver()

    clinician, first = own.clinician()
    others = own.clinician(THOMAS)[1]
    own.deliver()
    later = clinician.open(first.url)

    words = "1 form that was held until now is on its way into the chart."
    assert [words in page.text for page in (first, others, later)] == [True, False, False]


def test_what_is_sent_now_was_not_held(own: House) -> None:
    """A form that goes with the permission it was sent with is on its way, and was never held."""
    sent(*own.handed())

    view = own.clinician()[1].text

    assert "Visit check-in (patient, short form), on its way" in view
    assert "held until now" not in view


def test_a_patient_who_changed_in_between_is_not_written_to(own: House) -> None:
    """Merged or corrected between showing and writing: nothing is written, and why it waits is kept (F35)."""
    person, form = own.handed()
    store = own.ehr.extensions["sandbox_store"]
    store.update({**store.read("Patient", MARIA), "birthDate": "1901-01-01"})

    receipt = sent(person, form)
    own.deliver()

    assert state(own, receipt) == ("held", "patient-changed")
    assert own.written(receipt.url.rpartition("/")[2]) == ([], {})


@pytest.mark.parametrize("path", ["", "/form", "/review"])
def test_the_form_itself_never_asks_the_ehr(own: House, path: str) -> None:
    """Reading and answering cost the EHR nothing, so it may be slow or away meanwhile."""
    person, form = own.handed()
    asked = len(own.traffic)

    assert person.open(form.url.replace("/form", path)).status == 200

    assert len(own.traffic) == asked


def test_tokens_are_sealed_in_the_database(house: House) -> None:
    """A copy of the database holds no token that could be used."""
    house.clinician()

    with house.services.engine.connect() as connection:
        rows = connection.execute(select(grants.c.access_token, grants.c.refresh_token)).all()

    assert all(sealed.startswith(b"k1:") for row in rows for sealed in row if sealed is not None)
