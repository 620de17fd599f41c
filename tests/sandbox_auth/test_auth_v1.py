"""Apps that speak SMART v1 scopes, through a whole launch."""

from typing import Any

import pytest

from smart_app.sandbox.fhir.access import allowed
from smart_app.sandbox.fhir.outcomes import Forbidden


@pytest.fixture
def launched(sandbox: Any) -> Any:
    """Return the token answer of a standalone launch that asked for v1 scopes."""
    sandbox.signed_in("Patient/ana")
    scope = "launch/patient patient/Patient.read patient/Observation.read patient/Observation.write offline_access"
    consent = sandbox.authorize(sandbox.standalone_request(scope=scope))
    code = sandbox.sent_back(sandbox.press(consent, decision="allow"))["code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": sandbox.verifier}
    redirect_uri = "https://patient.example.invalid/callback"
    return sandbox.token(**form, client_id="patient", redirect_uri=redirect_uri).json


def test_v1_scopes_are_granted_as_asked(launched: Any) -> None:
    """What the registration covers keeps its v1 form; a part of it is said in v2, which alone has words for it."""
    assert launched["scope"].split() == [
        "launch/patient",
        "patient/Patient.r",
        "patient/Observation.read",
        "patient/Observation.cu",
        "offline_access",
    ]
    assert launched["patient"] == "ana"


def test_v1_scopes_are_enforced(sandbox: Any, launched: Any) -> None:
    """A v1 scope opens what it says in v2, inside the patient in context."""
    access = sandbox.grants.access(launched["access_token"])

    for letter in "crus":
        assert allowed(access, "Observation", letter) == ((("patient", "Patient/ana"),),)
    with pytest.raises(Forbidden):
        allowed(access, "Patient", "s")


def test_v1_scopes_alone_ask_for_a_patient(sandbox: Any) -> None:
    """A standalone launch with a v1 patient scope needs a patient in context, as one with a v2 scope does."""
    sandbox.signed_in("Practitioner/vera")

    page = sandbox.authorize(sandbox.standalone_request(scope="patient/Observation.read"))

    assert "Ana Lund" in page.text
    assert 'name="decision" value="allow"' not in page.text


def test_a_refresh_keeps_v1_scopes(sandbox: Any, launched: Any) -> None:
    """A refresh may narrow to one of the v1 scopes that were granted."""
    form = {"grant_type": "refresh_token", "refresh_token": launched["refresh_token"], "client_id": "patient"}

    reply = sandbox.token(**form, scope="patient/Observation.read").json

    assert reply["scope"] == "patient/Observation.read"
