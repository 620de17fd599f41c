"""The view filed in the chart as a page: asked first, there once, nobody else's, and out again as entered in error."""

import base64
import hashlib
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.R4B.documentreference import DocumentReference
from flask import abort, jsonify, make_response, request
from pypdf import PdfReader

from fhir_alliance.delivery.receipts import State
from fhir_alliance.settings import Rung
from fhir_alliance.tables import attempts, audit, grants, submissions
from smart_app.cli import main
from smart_app.demo.browser import Page
from smart_app.demo.site import Site, offer_filing

from .house import MARIA, THOMAS, House, Person, code_of
from .test_web_granted import granting
from .test_web_two_therapists import DANIEL, JAMES

MakeHouse = Callable[..., House]
OFFER = "File in the chart"


@pytest.fixture
def filing(make_house: MakeHouse) -> House:
    """Open a house whose EHR is known to take documents, and lets clinicians read and change them."""
    return known(make_house(change=offer_filing))


def known(house: House) -> House:
    """Let the app read what the EHR states."""
    house.services.watch.check_due(house.now())
    return house


def asked(house: House, patient: str = THOMAS) -> tuple[Person, Page]:
    """Return a clinician before the question."""
    person, chart = house.clinician(patient)
    return person, person.open(chart.link("/filing"))


def file(house: House, patient: str = THOMAS) -> tuple[Person, Page]:
    """Let a clinician file the view, and deliver it; returns the delivery page as it is then."""
    person, question = asked(house, patient)
    page = person.submit(question, question.form("/filing"))
    house.deliver()
    return person, person.open(page.url)


def documents(house: House, patient: str = THOMAS) -> list[dict[str, Any]]:
    """Return the documents with a page in a patient's chart."""
    store = house.ehr.extensions["sandbox_store"]
    found = store.search("DocumentReference", [("patient", patient)]).resources
    return [each for each in found if each["content"][0]["attachment"]["contentType"] == "application/pdf"]


def pdf_of(document: dict[str, Any]) -> bytes:
    """Return the page in a document."""
    return base64.b64decode(document["content"][0]["attachment"]["data"])


def words_of(pdf: bytes) -> str:
    """Return the words of a page."""
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(page.extract_text().split())


def standings(house: House) -> list[tuple[str, str | None]]:
    """Return state and reason of what was accepted, in that order."""
    rows = sorted(house.rows(submissions), key=lambda row: row["sequence"])
    return [(row["state"], row["reason"]) for row in rows]


def later(house: House) -> None:
    """Deliver what is due when nothing that was sent can come any more."""
    house.services.courier.deliver_due(house.now() + timedelta(hours=1))


def lose_answers(house: House, *, times: int) -> None:
    """Let the EHR write documents and not tell, so many times."""
    left = [None] * times

    def unheard(reply: Any) -> Any:
        if request.method == "POST" and request.path.endswith("/DocumentReference") and left:
            left.pop()
            reply.status_code, reply.data = 503, b""
        return reply

    house.ehr.after_request_funcs.setdefault(None, []).append(unheard)


def test_the_view_is_filed_as_a_document(filing: House) -> None:
    """What the question showed is in the chart of this patient, as a note of US Core, and reads back."""
    person, question = asked(filing)
    shown = person.send("GET", question.link("/filing.pdf")).content

    person.submit(question, question.form("/filing"))
    filing.deliver()

    (document,) = documents(filing)
    content = document["content"][0]["attachment"]
    assert DocumentReference.model_validate(document).docStatus == "final"
    assert standings(filing) == [(State.DELIVERED, None)]
    assert pdf_of(document) == shown
    assert (content["size"], content["hash"]) == (
        len(shown),
        base64.b64encode(hashlib.sha1(shown, usedforsecurity=False).digest()).decode(),
    )
    assert document["status"] == "current"
    assert document["type"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "11506-3",
        "display": "Progress note",
    }
    assert document["category"][0]["coding"][0]["code"] == "clinical-note"
    assert document["subject"] == {"reference": f"Patient/{THOMAS}"}
    assert document["author"] == [{"reference": "Practitioner/ada-okafor"}]
    assert document["context"]["encounter"][0]["reference"].startswith(f"Encounter/{THOMAS}-")
    assert document["context"]["period"]["start"] < document["context"]["period"]["end"] < document["date"]


def test_what_is_on_the_page(filing: House) -> None:
    """Scores, usual range and what the form is not; no answer, reason or sign, and no rating of the therapist's."""
    person, chart = filing.clinician(THOMAS)
    view = words_of(person.send("GET", chart.url.replace("/chart", "/chart.pdf")).content)

    file(filing)

    text = words_of(pdf_of(documents(filing)[0]))
    assert all(
        said in text for said in ("Thomas Reyes", "Unvalidated", "visit-check-in-1.0.0", "usual range", "6 of 6")
    )
    kept_back = (
        "I felt at ease",
        "worth a look",
        "You could ask",
        "Also in the record",
        "rupture",
        "squares, dashed line",
    )
    assert [each for each in kept_back if each not in view] == []
    assert not [each for each in (*kept_back, "Dr. Okafor") if each in text]


def test_the_question_says_what_and_to_whom(filing: House) -> None:
    """The page names the patient, what is on it and what is not, and who can read it; nothing is sent by looking."""
    _, question = asked(filing)

    assert "Thomas Reyes" in question.text
    assert "none of your own ratings" in question.text
    assert "Everyone who can open the chart may see them there." in question.text
    assert filing.rows(submissions) == []


def test_pressed_twice_is_one_document(filing: House) -> None:
    """The same page of one day is one document, whoever presses how often."""
    person, question = asked(filing)
    for _ in range(2):
        person.submit(question, question.form("/filing"))
    filing.deliver()
    file(filing)

    assert len(documents(filing)) == 1
    assert standings(filing) == [(State.DELIVERED, None)]


@pytest.mark.parametrize("profile", ["notes-only", "lab-and-vitals-only"])
def test_a_lost_answer_is_looked_up(open_at: Callable[[str], House], profile: str) -> None:
    """A page that was written although nobody heard so is found, with its identifier or without, and not repeated.

    It is never taken for the note of a visit, nor a note for it.
    """
    house = known(open_at(profile))
    noted(house)
    lose_answers(house, times=1)

    file(house, MARIA)
    first = standings(house)[-1][0]
    later(house)

    filed = documents(house, MARIA)
    assert first == State.UNKNOWN
    assert len(filed) == 1
    assert standings(house) == [(State.DELIVERED, None)] * 2
    assert [row["step"] for row in house.rows(attempts)] == ["note", "document"]
    noted(house, form="full")
    assert [each["status"] for each in documents(house, MARIA)] == ["current"]


def noted(house: House, form: str = "core") -> None:
    """Let a patient answer a form that becomes a note."""
    answers = {str(item): "5" for item in range(1, 7 if form == "core" else 13)}
    person, page = house.handed(MARIA, form)
    review = person.submit(page, page.form("/form"), **answers, action="review")
    person.submit(review, review.form("/send"))
    house.deliver()


def test_without_a_permission_it_waits_for_the_next_launch(filing: House) -> None:
    """A permission that has ended holds the page; the next launch for this patient, and no other, sends it."""
    person, question = asked(filing)
    person.submit(question, question.form("/filing"))
    with filing.services.engine.begin() as connection:
        connection.execute(grants.update().values(ended_at=filing.now(), access_token=b"", refresh_token=None))
    filing.deliver()
    held = standings(filing)
    filing.clinician(MARIA)
    filing.deliver()
    others = standings(filing)

    _, chart = filing.clinician(THOMAS)
    filing.deliver()

    assert held == others == [(State.HELD, "needs-sign-in")]
    assert standings(filing) == [(State.DELIVERED, None)]
    assert len(documents(filing)) == 1
    assert chart.status == 200


def test_another_patients_page_cannot_be_filed(filing: House) -> None:
    """With two charts in one browser, what was shown of one is never filed in the other (T41)."""
    person, question = asked(filing)
    other = person.open(filing.launch_url(person, MARIA))
    theirs = person.open(other.link("/filing"))

    crossed = person.submit(theirs, theirs.form("/filing"), digest=question.form("/filing").hidden["digest"])
    filing.deliver()

    assert crossed.status == 409
    assert "The ratings have changed" in crossed.text
    assert documents(filing) == documents(filing, MARIA) == []


def test_a_patient_who_is_not_as_shown_is_held(filing: House) -> None:
    """Between the press and the send the record became somebody else's: nothing is written (F35)."""
    person, question = asked(filing)
    person.submit(question, question.form("/filing"))
    store = filing.ehr.extensions["sandbox_store"]
    store.update({**store.read("Patient", THOMAS), "birthDate": "1950-01-01"})

    filing.deliver()

    assert standings(filing) == [(State.HELD, "patient-changed")]
    assert documents(filing) == []


def test_a_document_under_somebody_else_is_held(filing: House) -> None:
    """What the EHR files for another patient is never called delivered (F21)."""

    def misfiled(reply: Any) -> Any:
        if request.method == "POST" and request.path.endswith("/DocumentReference"):
            (document,) = documents(filing)
            store = filing.ehr.extensions["sandbox_store"]
            store.update({**document, "subject": {"reference": f"Patient/{MARIA}"}})
        return reply

    filing.ehr.after_request_funcs.setdefault(None, []).append(misfiled)

    file(filing)

    assert standings(filing) == [(State.HELD, "subject-rewritten")]


@pytest.mark.parametrize("scope", ["c", "cru", "crs", "rus"])
def test_without_the_scope_it_is_not_offered(make_house: MakeHouse, scope: str) -> None:
    """What could not be filed, found again or taken back is not offered, and not done by address either."""

    def narrowed(site: Site) -> None:
        offer_filing(site)
        granting("alliance-clinician", DocumentReference=scope)(site)

    house = known(make_house(change=narrowed))
    person, chart = house.clinician(THOMAS)

    page = person.open(chart.url.replace("/chart", "/filing"))

    assert OFFER not in chart.text
    assert (page.status, code_of(page)) == (409, "filing.none")


def test_an_ehr_that_states_nothing_is_offered_nothing(make_house: MakeHouse) -> None:
    """Until its statement was read, and where it takes no documents, the action is not there."""
    house = make_house(change=offer_filing)
    before = house.clinician(THOMAS)[1].text

    known(house)

    assert OFFER not in before
    assert OFFER in house.clinician(THOMAS)[1].text


def test_a_flowsheet_ehr_is_offered_nothing(open_at: Callable[[str], House]) -> None:
    """An EHR that takes no documents shows no such action."""
    assert OFFER not in known(open_at("flowsheet")).clinician(THOMAS)[1].text


def test_withdrawn_is_entered_in_error(filing: House) -> None:
    """From the delivery page a filed page is taken back with a reason; the trail says by whom, and it may come anew."""
    person, delivery = file(filing)
    question = person.open(delivery.link("/withdraw"))
    unsure = person.submit(question, question.form("/withdraw"))

    done = person.submit(question, question.form("/withdraw"), cause="mistake")
    filing.deliver()

    after = person.open(done.url)
    assert "Withdraw this page?" in question.text
    assert unsure.status == 400
    assert done.url.endswith("/delivery")
    assert [each["status"] for each in documents(filing)] == ["entered-in-error"]
    assert standings(filing) == [(State.DELIVERED, None)] * 2
    assert "Taken back" in after.text
    assert "/withdraw" not in after.text
    file(filing)
    assert sorted(each["status"] for each in documents(filing)) == ["current", "entered-in-error"]


def test_withdrawn_before_it_left_is_never_sent(filing: House) -> None:
    """Taken back while it waits, nothing of it reaches the chart."""
    person, question = asked(filing)
    delivery = person.submit(question, question.form("/filing"))
    withdraw = person.open(delivery.link("/withdraw"))

    person.submit(withdraw, withdraw.form("/withdraw"), cause="wrong-person")
    filing.deliver()

    assert documents(filing) == []
    assert [state for state, _ in standings(filing)] == [State.REPLACED, State.DELIVERED]


@pytest.mark.parametrize("arrived", [True, False])
def test_withdrawn_while_nobody_knows(filing: House, arrived: bool) -> None:
    """Of a send without an answer the withdrawal marks what came, and waits as long as something may come (F07)."""
    if arrived:
        lose_answers(filing, times=1)
    else:
        filing.ehr.before_request_funcs.setdefault(None, []).insert(0, refuse_documents)
    person, delivery = file(filing)
    withdraw = person.open(delivery.link("/withdraw"))

    person.submit(withdraw, withdraw.form("/withdraw"), cause="mistake")
    filing.deliver()
    first = standings(filing)[-1][0]
    later(filing)

    assert first == (State.DELIVERED if arrived else State.UNKNOWN)
    assert [each["status"] for each in documents(filing)] == (["entered-in-error"] if arrived else [])
    assert [state for state, _ in standings(filing)] == [State.REPLACED, State.DELIVERED]


def refuse_documents() -> None:
    """Answer no create of a document."""
    if request.method == "POST" and request.path.endswith("/DocumentReference"):
        abort(503)


def forget_documents() -> None:
    """Know no document."""
    if request.method == "GET" and "/DocumentReference/" in request.path:
        abort(410)
    if request.method == "GET" and request.path.endswith("/DocumentReference"):
        none = {"resourceType": "Bundle", "type": "searchset", "total": 0}
        abort(make_response(jsonify(none), 200, {"Content-Type": "application/fhir+json"}))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": "entered-in-error"}, None),
        ({"content": None}, "changed-in-chart"),
        ({"id": None}, "gone-from-chart"),
    ],
)
def test_what_somebody_changed_is_theirs(filing: House, changed: dict[str, Any], reason: str | None) -> None:
    """A page that was marked there already is done; one with other content, or none, waits for a person (F17)."""
    person, delivery = file(filing)
    store = filing.ehr.extensions["sandbox_store"]
    (document,) = documents(filing)
    if "id" in changed:
        filing.ehr.before_request_funcs.setdefault(None, []).insert(0, forget_documents)
    else:
        attachment = {**document["content"][0]["attachment"], "data": base64.b64encode(b"%PDF-1.7").decode()}
        store.update({**document, **(changed if changed.get("status") else {"content": [{"attachment": attachment}]})})
    withdraw = person.open(delivery.link("/withdraw"))

    person.submit(withdraw, withdraw.form("/withdraw"), cause="mistake")
    filing.deliver()

    assert standings(filing)[-1] == (State.HELD if reason else State.DELIVERED, reason)


def test_a_page_is_no_form(filing: House) -> None:
    """The view, the patient's page and the receipt know nothing of it; a patient is asked as if it were not there."""
    _, delivery = file(filing)
    key = filing.rows(submissions)[0]["key"]
    home, visits = filing.at_home(THOMAS)
    person, chart = filing.clinician(THOMAS)

    receipt = person.open(chart.url.replace("/chart", f"/receipt/{key}"))

    assert "A page of the view" in delivery.text
    assert chart.status == 200
    assert "Sent with this app" not in chart.text
    assert (receipt.status, code_of(receipt)) == (404, "submission.unknown")
    assert "filed" not in visits.text
    assert home.open(visits.url).status == 200
    assert filing.services.caseload.last_sent("harbor", "Practitioner/ada-okafor", since=filing.opened) == {}


def test_another_clinician_cannot_withdraw_it(filing: House) -> None:
    """A page about visits with one therapist is not offered to, nor taken back by, another."""
    file(filing, DANIEL)
    key = filing.rows(submissions)[0]["key"]
    person, chart = filing.clinician(DANIEL, user=JAMES)

    page = person.open(chart.url.replace("/chart", f"/sent/{key}/withdraw"))

    assert (page.status, code_of(page)) == (404, "submission.unknown")
    assert "/withdraw" not in person.open(chart.link("/delivery")).text


def test_it_is_kept_sealed_and_deleted_in_time(filing: House) -> None:
    """Nothing of the page is readable in the store; thirty days after, and read in the chart once more, it is gone."""
    file(filing)
    (row,) = filing.rows(submissions)
    sealed = row["payload"]
    filing.services.courier.purge_due(filing.now() + timedelta(days=29))
    early = filing.rows(submissions)[0]["payload"]

    filing.services.courier.purge_due(filing.now() + timedelta(days=31))

    assert b"application/pdf" not in sealed
    assert b"Thomas" not in row["shown"]
    assert early == sealed
    assert row["rung"] == Rung.DOCUMENT
    assert filing.rows(submissions)[0]["payload"] == b""


def test_the_trail_and_the_outbox_tell_of_it(filing: House) -> None:
    """Who filed it, that it was sent and is there stands in the trail; the commands say so by its key alone."""
    person, question = asked(filing)
    person.submit(question, question.form("/filing"))
    key = filing.rows(submissions)[0]["key"]

    said = {name: outbox(filing, name, *args) for name, args in (("list", ()), ("show", (key,)), ("explain", (key,)))}
    filing.deliver()
    after = outbox(filing, "explain", key)

    told = [(row["event"], row["actor"], row["patient"]) for row in filing.rows(audit) if row["request_id"] == key]
    assert told == [
        ("submission.accepted", "Practitioner/ada-okafor", THOMAS),
        ("submission.sent", "courier", THOMAS),
        ("submission.delivered", "courier", THOMAS),
    ]
    assert key in said["list"]
    assert "filed-view" in said["show"]
    assert "it is on its way" in said["explain"]
    assert "it is in the chart" in after
    assert "the page: HTTP 201" in after


def outbox(house: House, command: str, *args: str) -> str:
    """Return what one of the commands on the outbox says."""
    result = CliRunner().invoke(main, ["outbox", command, *args, "--settings", str(house.site.settings)])
    assert result.exit_code == 0, result.output
    return result.output


def test_an_administrator_sees_where_it_is(filing: House) -> None:
    """The administrator's pages list a page that waits, by what it is, without a name."""
    person, question = asked(filing)
    person.submit(question, question.form("/filing"))
    key = filing.rows(submissions)[0]["key"]

    admin, listed = filing.admin()
    item = admin.open(filing.url(f"/admin/forms/{key}"))

    assert key in listed.text
    assert "<td>filed page</td>" in listed.text
    assert "A page of the view" in item.text
    assert "This filed page" in item.text
    assert not re.search("Thomas|Reyes", listed.text + item.text)
