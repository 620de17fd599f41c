"""Somebody signed in for a patient: nobody answers for somebody else, and nobody sees what the patient answered."""

import pytest

from fhir_alliance.tables import audit, drafts, launches, submissions
from smart_app.demo.browser import Page

from .house import CORE, SESSION, THOMAS, House, Person, handle_of

CLARA, WILHELMINA = "RelatedPerson/clara-featherstonehaugh", "wilhelmina-featherstonehaugh"


def proxy(house: House) -> tuple[Person, Page]:
    """Return a relative who opened the app at home, at its first page."""
    person = Person()
    asked = person.open(house.url("/start/harbor"))
    consent = person.submit(asked, asked.forms[0], person=CLARA)
    return person, person.submit(consent, consent.forms[0], decision="allow")


def beside(house: House) -> tuple[Person, Page]:
    """Return the patient on the device of that relative, at what waits."""
    person, page = proxy(house)
    confirm = person.submit(page, page.form("/here"))
    return person, person.submit(confirm, confirm.form("/confirm"))


def in_portal(house: House, user: str) -> tuple[Person, Page]:
    """Return somebody who opened the app from the portal with a visit, after signing in there."""
    person = Person()
    portal = person.open(f"{house.site.ehr_url}/portal")
    home = person.submit(portal, portal.form("/sign-in"), user=user)
    consent = person.open(home.link("/start/harbor"))
    return person, person.submit(consent, consent.forms[0], decision="allow")


def test_a_relative_is_told_that_only_the_patient_answers(house: House) -> None:
    """A launch by a RelatedPerson opens, says in plain words whose view is asked, and shows nothing of the record."""
    for _, page in (proxy(house), in_portal(house, CLARA)):
        assert page.status == 200
        assert "You are signed in for Wilhelmina." in page.text
        assert "nobody else can answer them" in page.text
        assert "Featherstonehaugh" not in page.text


@pytest.mark.parametrize(
    "path", ["/form", "/review", "/chart", "/visits", "/confirm", "/receipt/x", "/handover", "/receipt/x/state"]
)
def test_a_relative_reaches_nothing_else(house: House, path: str) -> None:
    """No form, no earlier answer, no score, no view: to a proxy these pages do not exist (T48, P8)."""
    person, page = proxy(house)

    assert person.open(house.url(f"/l/{handle_of(page)}{path}")).status == 401


def test_the_patient_answers_beside_the_relative(own: House) -> None:
    """The patient confirms, chooses the visit and answers; the chart says who answered and who was signed in (Q30)."""
    person, page = proxy(own)
    before, sent = page.url, person.cookie(SESSION)
    confirm = person.submit(page, page.form("/here"))
    visits = person.submit(confirm, confirm.form("/confirm"))
    form = person.submit(visits, visits.form("/visit"), encounter=f"Encounter/{WILHELMINA}-v18")
    review = person.submit(form, form.form("/form"), **CORE, action="review")

    receipt = person.submit(review, review.form("/send"))

    assert "Is this you?" in confirm.text
    assert "What you sent" not in visits.text + receipt.text
    assert "give it back" in receipt.text
    assert (person.open(before).status, person.cookie(SESSION) == sent) == (401, False)
    own.deliver()
    key = own.rows(submissions)[-1]["key"]
    (response,), _ = own.written(key, WILHELMINA)
    assert response["source"]["reference"] == f"Patient/{WILHELMINA}"
    assert response["author"]["reference"] == CLARA
    assert response["encounter"]["reference"] == f"Encounter/{WILHELMINA}-v18"
    assert [row["actor"] for row in own.rows(audit) if row["event"] == "handover.used"] == [CLARA]


def test_without_the_patient_nothing_is_sent(house: House) -> None:
    """Not now ends the session and says how the patient can answer another time."""
    person, page = proxy(house)

    closed = person.submit(page, page.form("/not-here"))

    assert "Wilhelmina can answer another time" in closed.text
    assert person.cookie(SESSION) is None
    assert house.rows(launches)[-1]["ended_at"]


@pytest.mark.parametrize(("years", "asked"), [(15, True), (18, False)])
def test_a_young_patient_at_home_is_asked_who_is_there(own: House, years: int, asked: bool) -> None:
    """Many sign in with what a parent has set up: under 18 every page waits for a yes, and nothing is shown (P8)."""
    born = own.now().replace(year=own.now().year - years, day=1)
    store = own.ehr.extensions["sandbox_store"]
    store.update({**store.read("Patient", THOMAS), "birthDate": born.date().isoformat()})

    person, page = own.at_home(THOMAS)

    visits = own.url(f"/l/{handle_of(page)}/visits")
    assert ("Is this you?" in page.text) == asked
    assert ("A parent or helper cannot answer them." in page.text) == asked
    assert ("Is this you?" in person.open(visits).text) == asked
    if asked:
        assert "Okafor" not in page.text
        assert "is waiting" in person.submit(page, page.form("/confirm")).text


def test_a_parent_at_a_young_patients_sign_in_sees_nothing(own: House) -> None:
    """After "not me" no visit, no answer and no form was shown, and the way back is closed (P8)."""
    store = own.ehr.extensions["sandbox_store"]
    store.update({**store.read("Patient", THOMAS), "birthDate": f"{own.now().year - 13}"})
    person, page = own.at_home(THOMAS)

    closed = person.submit(page, page.form("/not-me"))

    assert "This page has closed" in closed.text
    assert person.open(page.url).status == 401
    assert not own.rows(drafts)
