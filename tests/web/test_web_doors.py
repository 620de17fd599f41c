"""The other ways in: a window of its own, and the wrong person at a door."""

from fhir_alliance.tables import launches
from smart_app.demo.browser import Page

from .house import ADA, MARIA, SESSION, House, Person, code_of


def walk_in(house: House, path: str, user: str, *more: str) -> tuple[Person, Page]:
    """Begin a standalone launch, be somebody, choose what is asked, and allow it."""
    person = Person()
    page = person.open(house.url(path))
    for chosen in (user, *more):
        page = person.submit(page, page.forms[0], person=chosen)
    return person, person.submit(page, page.forms[0], decision="allow")


def test_the_window_beside_the_chart_leads_to_the_same_view(house: House) -> None:
    """Where the frame keeps no cookie the app opens in a window: the EHR asks for the patient; the view is there."""
    _, chart = walk_in(house, "/again/harbor", ADA, f"Patient/{MARIA}")

    assert chart.status == 200
    assert "Maria Lopez" in chart.text
    assert chart.form("/handover")


def test_a_patient_at_the_clinicians_door_is_stopped(house: House) -> None:
    """A patient who signs in where clinicians do gets no clinician's view, and no session."""
    before = len(house.rows(launches))

    person, page = walk_in(house, "/again/harbor", f"Patient/{MARIA}")

    assert (page.status, code_of(page)) == (403, "launch.scope")
    assert person.cookie(SESSION) is None
    assert len(house.rows(launches)) == before


def test_a_clinician_at_the_patients_door_is_stopped(house: House) -> None:
    """A clinician who signs in at the portal's link cannot answer as the patient."""
    person, page = walk_in(house, "/start/harbor", ADA, f"Patient/{MARIA}")

    assert page.status == 403
    assert person.cookie(SESSION) is None


def test_saying_no_to_the_ehr_is_respected(house: House) -> None:
    """Deny on the EHR's page leads to a page that says so in words."""
    person = Person()
    asked = person.open(house.url("/start/harbor"))
    consent = person.submit(asked, asked.forms[0], person=f"Patient/{MARIA}")

    page = person.submit(consent, consent.forms[0], decision="deny")

    assert (page.status, code_of(page)) == (400, "launch.refused")
    assert "did not allow access" in page.text
