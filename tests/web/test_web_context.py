"""What an EHR says beside the patient: a form to open, a launch it no longer stands by."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from fhir_alliance.ehr.app_context import make_app_context
from fhir_alliance.records.launch_task import LaunchKind, LaunchOrder, launch_task
from fhir_alliance.tables import audit
from smart_app.demo.browser import Page

from .house import ADA, MARIA, THOMAS, House, Person, handle_of

BASE = "https://fhir-alliance.org/fhir/Questionnaire"


THERAPIST_FULL = f"{BASE}/visit-check-in-therapist-full|1.0.0"
PATIENT_FULL = f"{BASE}/visit-check-in-patient-full|1.0.0"


def launched(house: House, context: list[dict[str, Any]], **more: Any) -> tuple[Person, Page]:
    """Return a clinician's browser and the page that a launch with this fhirContext, or more, opened."""
    launch = {"user": ADA, "patient": MARIA, "encounter": "maria-lopez-v14", "fhir_context": context}
    opaque = house.ehr.extensions["sandbox_grants"].begin_launch(**{**launch, **more})
    person = Person()
    query = urlencode({"iss": house.site.fhir_base, "launch": opaque})
    return person, person.open(house.url(f"/launch?{query}"))


@pytest.mark.parametrize(
    ("context", "items"),
    [
        ([{"canonical": THERAPIST_FULL}], 12),
        ([{"canonical": PATIENT_FULL}], 6),
        ([{"canonical": "https://other.example.invalid/Questionnaire/x|1"}], 6),
        ([{"reference": "ImagingStudy/1"}], 6),
        ([{"canonical": THERAPIST_FULL.partition("|")[0]}], 12),
        ([{"canonical": THERAPIST_FULL, "role": "https://roles.example.invalid/other"}], 6),
        ([THERAPIST_FULL, THERAPIST_FULL.replace("full", "core")], 12),
        ([], 6),
    ],
)
def test_canonical_of_ours_opens_that_form(house: House, context: list[dict[str, Any]], items: int) -> None:
    """A form of ours for this role, named in the launch context, opens; anything else changes nothing."""
    person, chart = launched(house, context)

    form = person.open(house.url(f"/l/{handle_of(chart)}/form"))

    assert f"of {items}</span>" in form.text


def test_launch_is_stopped_when_the_ehr_moved(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the EHR names another token endpoint, a launch ends in a page in plain words, and no code is asked for."""
    registry = house.services.registry
    moved = replace(registry.by_name("harbor"), token_endpoint=f"{house.site.ehr_url}/elsewhere")
    monkeypatch.setattr(registry, "by_issuer", lambda iss: moved)
    monkeypatch.setattr(registry, "_discovered", {})

    reply = Person().send("GET", house.url("/launch?" + urlencode({"iss": house.site.fhir_base, "launch": "x"})))

    assert reply.status_code == 503
    assert "launch.ehr-changed" in reply.text
    assert "Location" not in reply.headers


def token(house: House, form: str, *, patient: str = MARIA, days: int = 1) -> str:
    """Return an appContext of ours."""
    until = house.now() + timedelta(days=days)
    return make_app_context(house.services.vault, ehr="harbor", patient=patient, form=form, expires_at=until)


def where(page: Page) -> str:
    """Return which page of the launch this is."""
    return urlsplit(page.url).path.rpartition("/")[2]


@pytest.mark.parametrize(
    ("more", "page"),
    [
        ({}, "chart"),
        ({"intent": "order-review"}, "chart"),
        ({"intent": "alliance-review"}, "chart"),
        ({"intent": "alliance-form"}, "form"),
        ({"intent": "alliance-form", "encounter": None}, "chart"),
        ({"intent": "alliance-form", "user": "Practitioner/ruth-abramowitz"}, "chart"),
        ({"fhir_context": [{"canonical": THERAPIST_FULL}]}, "form"),
        ({"fhir_context": [{"canonical": THERAPIST_FULL}], "intent": "alliance-review"}, "chart"),
        ({"fhir_context": [{"canonical": PATIENT_FULL}]}, "handover"),
        ({"fhir_context": [{"canonical": PATIENT_FULL}], "intent": "alliance-review"}, "chart"),
    ],
)
def test_where_a_launch_begins(house: House, more: dict[str, Any], page: str) -> None:
    """Our intents and a named form lead there if the clinician can go there; everything else to the view (S37)."""
    _, opened = launched(house, [], **more)

    assert (opened.status, where(opened)) == (200, page)


def test_a_token_of_ours_opens_exactly_its_form(house: House) -> None:
    """What a card says is due is handed over in one step, and it is that form (C04)."""
    person, asked = launched(house, [], app_context=token(house, PATIENT_FULL))
    handover = person.submit(
        asked, asked.form("/handover"), form=asked.text.partition('name="form" value="')[2].partition('"')[0]
    )
    patient = Person()
    start = patient.open(handover.link("/handover/"))
    confirm = patient.submit(start, start.forms[0])

    form = patient.submit(confirm, confirm.form("/confirm"))

    assert "asks for this form: Visit check-in (patient, long form)." in asked.text
    assert "of 12</span>" in form.text


def test_a_task_of_the_ehr_opens_exactly_its_form(house: House) -> None:
    """What the EHR hands back from a Task in its list opens the form that the Task was written for (S56)."""
    order = LaunchOrder(
        key="1",
        patient=f"Patient/{MARIA}",
        encounter="Encounter/maria-lopez-v14",
        owner=ADA,
        application=house.url("/launch"),
        app_context=token(house, THERAPIST_FULL),
        title="Visit check-in",
        authored=house.now(),
        until=house.now() + timedelta(days=1),
    )
    task = launch_task(order, LaunchKind.EHR)
    address, context = task["input"][0]["valueUrl"], task["input"][1]["valueString"]

    _, opened = launched(house, [], app_context=context)

    assert address == house.url("/launch")
    assert where(opened) == "form"
    assert "of 12</span>" in opened.text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"patient": THOMAS}, "foreign"),
        ({"days": 0}, "expired"),
        ({"form": f"{BASE}/retired|0.1.0"}, "not-asked-here"),
        ('{"of": "another app"}', "foreign"),
        (" ", "foreign"),
    ],
)
def test_a_token_that_is_not_for_this_launch_is_ignored(house: House, given: Any, why: str) -> None:
    """Another patient's, an old or a foreign token never blocks care: the view opens, and the audit trail says so."""
    text = given if isinstance(given, str) else token(house, **{"form": PATIENT_FULL, **given})

    _, opened = launched(house, [], app_context=text)

    ignored = house.rows(audit)[-2]
    assert (opened.status, where(opened)) == (200, "chart")
    assert (ignored["event"], ignored["outcome"], ignored["patient"]) == ("launch.context-ignored", why, MARIA)
    assert ignored["launch"] == handle_of(opened)


def test_the_banner_is_short_where_the_ehr_has_its_own(house: House) -> None:
    """In a frame under the EHR's banner the record number goes; elsewhere all is there, always two facts (S35, S7)."""
    (_, full), (person, window) = (launched(house, [], need_patient_banner=needed) for needed in (True, False))
    short = person.send("GET", window.url, Sec_Fetch_Dest="iframe")

    for page in (full, window, short):
        assert "Maria Lopez" in page.text
        assert "born 17 Jun 1991" in page.text
    assert "MRN …8806" in full.text
    assert "MRN …8806" in window.text
    assert "MRN" not in short.text
