"""What we ask of an EHR is what the app does, what its scopes allow, and what the sandbox EHR offers."""

import re
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.conformance.canonicals import Edition
from fhir_alliance.conformance.capability import SMART_CAPABILITIES, USES, client_statement, scopes
from fhir_alliance.ehr.draft import HARVEST_SCOPES
from fhir_alliance.ehr.scopes import allows
from smart_app.demo.site import BACKEND_SCOPES, CLINICIAN_SCOPES, PATIENT_SCOPES
from smart_app.publishing import SCOPE
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import SandboxConfig
from smart_app.web import opening

ROOT = Path(__file__).parents[2]
STATEMENT = client_statement(Edition(version="0.0.0", date="2026-11-24"))
CODES = {"c": "create", "r": "read", "s": "search-type"}


def test_every_call_in_the_code_is_stated() -> None:
    """Each read and search of a resource type by name, in delivery, publishing and the web, is in the statement."""
    sources = [each for folder in ("fhir_alliance/delivery", "smart_app/web") for each in (ROOT / folder).rglob("*.py")]
    calls = {call for each in sources for call in re.findall(r'\.(read|search)\(\s*"(\w+)"', each.read_text())}

    assert len(calls) >= 5
    for verb, resource_type in calls:
        assert {"read": "read", "search": "search-type"}[verb] in USES[resource_type].interactions


def test_what_a_launch_needs_is_a_must() -> None:
    """Without these permissions no form is started, so the statement says SHALL."""
    for resource_type, letter in opening._NEEDED + opening._READ_BY_CLINICIAN:
        assert CODES[letter] in USES[resource_type].interactions
        assert USES[resource_type].expectation == "SHALL"


@pytest.mark.parametrize(
    ("level", "granted"),
    [("user", CLINICIAN_SCOPES), ("patient", PATIENT_SCOPES), ("system", BACKEND_SCOPES), ("system", SCOPE)],
)
def test_scopes_we_ask_for_allow_it(level: Any, granted: str) -> None:
    """The scopes of clients in front of patients, clinicians and the publisher cover what the statement says."""
    for resource_type, use in USES.items():
        if level in use.levels:
            for letter in use.letters:
                assert allows(granted.split(), resource_type, letter, level)  # type: ignore[arg-type]


def test_scopes_are_in_the_order_of_the_grammar() -> None:
    """SMART 2 writes the letters in one order only."""
    assert scopes("system") == "system/Questionnaire.cs"
    assert "user/QuestionnaireResponse.crs" in scopes("user").split()
    assert scopes("user") in STATEMENT["rest"][0]["security"]["description"]
    assert HARVEST_SCOPES in STATEMENT["rest"][0]["security"]["description"]


def test_the_sandbox_offers_what_we_ask_for(tmp_path: Path) -> None:
    """An EHR can offer all of it: every interaction, search, and capability of its authorization server."""
    config = SandboxConfig(
        base_url="http://ehr.example.invalid", database=tmp_path / "ehr.sqlite", clients=(), populate=False
    )
    ehr = create_sandbox(config).test_client()
    offered = {each["type"]: each for each in ehr.get("/fhir/metadata").get_json()["rest"][0]["resource"]}
    smart = ehr.get("/fhir/.well-known/smart-configuration").get_json()

    asked = STATEMENT["rest"][0]["resource"]

    for each in asked:
        there = offered[each["type"]]
        for part, key in (("interaction", "code"), ("searchParam", "name")):
            assert {one[key] for one in each.get(part, [])} <= {one[key] for one in there[part]}
        kinds = {one["name"]: one["type"] for one in there["searchParam"]}
        assert all(kinds[one["name"]] == one["type"] for one in each.get("searchParam", []))
    assert set(SMART_CAPABILITIES) <= set(smart["capabilities"])


def test_records_are_created_once() -> None:
    """What is written and looked up again is created conditionally; our profiles are named with their version."""
    asked = {each["type"]: each for each in STATEMENT["rest"][0]["resource"]}

    assert {name for name, each in asked.items() if each.get("conditionalCreate")} == {
        "QuestionnaireResponse",
        "Observation",
        "Questionnaire",
    }
    assert all(profile.endswith("|0.0.0") for profile in asked["Observation"]["supportedProfile"])
