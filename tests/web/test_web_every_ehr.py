"""Every kind of EHR, client and launch: a visit ends on the rung that is declared for it, or is refused as declared."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog

from fhir_alliance.delivery.receipts import State
from fhir_alliance.tables import submissions
from smart_app.demo.browser import Page
from smart_app.demo.site import Site, write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from smart_app.sandbox.fhir.profiles import PROFILES
from tests.ports import own_port

from .house import AOIFE, CORE, MARIA, THOMAS, House, Person, code_of
from .proofs import PROOFS, proving


class End(NamedTuple):
    """How a visit ends: rung, state and reason; or the code of the page that refuses the launch."""

    rung: str = ""
    state: str = ""
    reason: str | None = None
    refused: str = ""


IN_CHART = End("observations", State.DELIVERED)
# One line for each kind of EHR: what the demo's site declares for it.
DECLARED = {
    "generous": IN_CHART,
    "read-only-questionnaires": IN_CHART,
    "flowsheet": End("flowsheet", State.DELIVERED),
    "lab-and-vitals-only": End("note", State.DELIVERED),
    "notes-only": End("note", State.DELIVERED),
    "fire-hose": IN_CHART,
    "legacy": End(refused="launch.not-offered"),
}


def ehr_launch(house: House) -> tuple[Person, Page]:
    """Open the app from a chart of the EHR."""
    return house.clinician(MARIA)


def standalone_clinician(house: House) -> tuple[Person, Page]:
    """Open the app in a window of its own, signed in to the EHR, which asks for the patient."""
    person = Person()
    house.sign_in(person)
    page = person.open(house.url("/again/harbor"))
    return (person, allowed(person, page, THOMAS)) if page.forms and page.status == 200 else (person, page)


def standalone_patient(house: House) -> tuple[Person, Page]:
    """Open the app at home, unknown to the EHR so far."""
    person = Person()
    page = person.open(house.url("/start/harbor"))
    return (person, allowed(person, page, AOIFE)) if page.status == 200 else (person, page)


def portal_patient(house: House) -> tuple[Person, Page]:
    """Follow the link of the portal, signed in there: the EHR asks for consent only."""
    person = Person()
    house.sign_in(person, f"Patient/{PORTAL}")
    page = person.open(person.open(f"{house.site.ehr_url}/portal").link("/start/harbor"))
    return (person, consented(person, page)) if page.status == 200 else (person, page)


def allowed(person: Person, page: Page, patient: str) -> Page:
    """Choose the patient that the EHR asks for, then consent."""
    return consented(person, person.submit(page, page.forms[0], person=f"Patient/{patient}"))


def consented(person: Person, page: Page) -> Page:
    """Allow what the EHR asks about."""
    return person.submit(page, page.forms[0], decision="allow")


PORTAL = "kwame-boateng"
LAUNCHES: dict[str, tuple[str, Callable[[House], tuple[Person, Page]]]] = {
    "EHR launch, clinician": (MARIA, ehr_launch),
    "standalone, clinician": (THOMAS, standalone_clinician),
    "standalone, patient": (AOIFE, standalone_patient),
    "portal, patient": (PORTAL, portal_patient),
}


@cache
def record_of(profile: str, folder: Path) -> Path:
    """Fill the record of one kind of EHR, once."""
    place = folder / profile
    place.mkdir()
    ehr = create_sandbox(read_config(write_site(place, ehr_port=1, app_port=2, profile=profile).sandbox))
    ehr.extensions["sandbox_store"].close()
    return place / "sandbox.db"


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the records are."""
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module", params=PROOFS)
def proof(request: pytest.FixtureRequest) -> str:
    """Return how both clients prove themselves."""
    return str(request.param)


@pytest.fixture(scope="module", params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    """Return the kind of EHR."""
    return str(request.param)


@pytest.fixture(scope="module")
def clinic(profile: str, proof: str, records: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Open a house with this kind of EHR and of clients, for its four launches."""
    ehr_port, app_port = own_port(), own_port()
    site = write_site(tmp_path_factory.mktemp("site"), ehr_port=ehr_port, app_port=app_port, profile=profile)
    proving(proof, "clinician", "patient")(site)
    reviewed_at_once(site)
    with structlog.testing.capture_logs():
        house = House(site, record_of(profile, records))
        yield house
        house.close()


def reviewed_at_once(site: Site) -> None:
    """Let the EHR that reviews what is written be done with it when it is read back."""
    site.sandbox.write_text(json.dumps({**json.loads(site.sandbox.read_text()), "review_seconds": 0}))


def to_the_form(house: House, person: Person, page: Page) -> tuple[Person, Page]:
    """Go on to the form: a clinician hands it over, a patient chooses the visit."""
    if "/chart" in page.url:
        link, _ = house.code(person, page)
        device = Person()
        start = device.open(link)
        confirm = device.submit(start, start.forms[0])
        person, page = device, device.submit(confirm, confirm.form("/confirm"))
    if "/visits" not in page.url:
        return person, page
    offered = re.findall(r'name="encounter" value="([^"]+)"', page.text)
    return person, person.submit(page, page.form("/visit"), encounter=offered[0])


@pytest.mark.parametrize("launch", LAUNCHES)
def test_a_visit_ends_as_declared(clinic: House, profile: str, launch: str) -> None:
    """It signs in and its submission is where the site's settings send it, or the launch is refused in words."""
    declared, (patient, begin) = DECLARED[profile], LAUNCHES[launch]

    person, page = begin(clinic)

    assert code_of(page) == declared.refused
    assert any("/auth/authorize" in call[1] for call in clinic.traffic) is not bool(declared.refused)
    if not declared.refused:
        device, form = to_the_form(clinic, person, page)
        review = device.submit(form, form.form("/form"), **CORE, action="review")
        device.submit(review, review.form("/send"))
        clinic.deliver()
        (row,) = (each for each in clinic.rows(submissions) if each["patient"] == patient)
        assert (row["rung"], row["state"], row["reason"]) == declared[:3]
