"""The CapabilityStatement says what the server does, and the server does what it says."""

from typing import Any
from urllib.parse import urlencode

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from flask import Flask

from .conftest import Caller
from .samples import BASE


@pytest.fixture
def statement(app: Flask) -> dict[str, Any]:
    """Return the statement, asked for without a token."""
    response = Caller(app, None).get("/metadata")
    assert response.status_code == 200
    return response.json


def test_statement_is_valid_r4(statement: dict[str, Any]) -> None:
    """The statement fits the R4 model and names this server."""
    CapabilityStatement.model_validate(statement)

    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == BASE


def test_statement_points_to_the_authorization_server(statement: dict[str, Any]) -> None:
    """Security names SMART-on-FHIR and where to authorize."""
    security = statement["rest"][0]["security"]

    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert {uri["url"]: uri["valueUri"] for uri in security["extension"][0]["extension"]} == {
        "authorize": "http://ehr.example.invalid/auth/authorize",
        "token": "http://ehr.example.invalid/auth/token",
    }


def test_every_search_parameter_is_offered(statement: dict[str, Any], ehr: Caller) -> None:
    """A strict search with each parameter of each type is understood."""
    values = {"date": "2026", "token": "a", "string": "a", "uri": "urn:a", "reference": "Patient/a"}

    for resource in statement["rest"][0]["resource"]:
        query = "&".join(f"{param['name']}={values[param['type']]}" for param in resource["searchParam"])
        response = ehr.get(f"/{resource['type']}?{query}", Prefer="handling=strict")
        assert response.status_code == 200, response.text


def test_every_include_is_offered(statement: dict[str, Any], ehr: Caller) -> None:
    """A strict search with each _include and _revinclude of each type is understood."""
    for resource in statement["rest"][0]["resource"]:
        pairs = [("_include", value) for value in resource.get("searchInclude", [])]
        pairs += [("_revinclude", value) for value in resource.get("searchRevInclude", [])]
        response = ehr.get(f"/{resource['type']}?{urlencode(pairs)}", Prefer="handling=strict")
        assert response.status_code == 200, response.text


def test_includes_of_a_visit_are_named(statement: dict[str, Any]) -> None:
    """The statement names what goes with visits, scores and answers, and nothing that cannot be."""
    offered = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}

    visit, score = offered["Encounter"], offered["Observation"]
    expected = ["subject", "patient", "appointment", "participant"]
    assert visit["searchInclude"] == [f"Encounter:{name}" for name in expected]
    assert {"Observation:encounter", "QuestionnaireResponse:encounter"} <= set(visit["searchRevInclude"])
    assert {"Observation:encounter", "Observation:derived-from", "Observation:has-member"} <= set(
        score["searchInclude"]
    )
    assert "Observation:subject" not in visit["searchRevInclude"]
    assert "searchInclude" not in offered["Questionnaire"]


def test_types_of_a_visit_can_be_written(statement: dict[str, Any]) -> None:
    """Forms, answers and scores can be created, conditionally too, and updated."""
    offered = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}

    for name in ("Questionnaire", "QuestionnaireResponse", "Observation", "Provenance", "DocumentReference"):
        assert {code["code"] for code in offered[name]["interaction"]} == {
            "read",
            "vread",
            "create",
            "update",
            "search-type",
        }
        assert offered[name]["readHistory"] is True
        assert offered[name]["conditionalCreate"] is True
