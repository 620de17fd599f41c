"""What an EHR says beside the patient: a form to open, a launch it no longer stands by."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from smart_app.demo.browser import Page

from .house import House, Person, handle_of

BASE = "https://fhir-alliance.org/fhir/Questionnaire"


def launched(house: House, context: list[dict[str, Any]]) -> tuple[Person, Page]:
    """Return a clinician's browser and the chart that a launch with this fhirContext opened."""
    opaque = house.ehr.extensions["sandbox_grants"].begin_launch(
        user="Practitioner/ada-okafor", patient="maria-lopez", encounter="maria-lopez-v14", fhir_context=context
    )
    person = Person()
    query = urlencode({"iss": house.site.fhir_base, "launch": opaque})
    return person, person.open(house.url(f"/launch?{query}"))


@pytest.mark.parametrize(
    ("context", "items"),
    [
        ([{"canonical": f"{BASE}/visit-check-in-therapist-full|1.0.0"}], 12),
        ([{"canonical": f"{BASE}/visit-check-in-patient-full|1.0.0"}], 6),
        ([{"canonical": "https://other.example.invalid/Questionnaire/x|1"}], 6),
        ([{"reference": "ImagingStudy/1"}], 6),
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
