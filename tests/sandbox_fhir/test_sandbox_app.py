"""The sandbox as a whole: one application over one filled store."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.checks import check_id, check_references, check_resource
from smart_app.sandbox.people.population import population

TODAY = date(2026, 3, 4)


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    """Return settings without clients."""
    return SandboxConfig(
        base_url="http://ehr.example.invalid", database=tmp_path / "ehr.sqlite", clients=(), today=TODAY
    )


def test_all_parts_answer(config: SandboxConfig) -> None:
    """FHIR server, authorization server and sign-in page are there, and FHIR and OAuth calls are logged."""
    app = create_sandbox(replace(config, populate=False))
    client = app.test_client()

    statuses = [
        client.get(path).status_code
        for path in ("/fhir/metadata", "/fhir/.well-known/smart-configuration", "/auth/jwks", "/fhir/Patient", "/")
    ]

    assert statuses == [200, 200, 200, 401, 200]
    assert [call[1] for call in app.extensions["sandbox_log"]] == [
        "/fhir/metadata",
        "/fhir/.well-known/smart-configuration",
        "/auth/jwks",
        "/fhir/Patient",
    ]
    assert app.extensions["sandbox_store"].empty


def test_empty_store_is_filled_once(config: SandboxConfig) -> None:
    """The synthetic patients are loaded into an empty store, and what was changed since stays."""

    def patients(app: Flask) -> int:
        return int(app.extensions["sandbox_store"].search("Patient", []).total)

    first = create_sandbox(config)
    first.extensions["sandbox_store"].create({"resourceType": "Patient"})
    second = create_sandbox(config)

    assert (patients(first), patients(second)) == (25, 25)


def test_synthetic_record_keeps_the_servers_rules(config: SandboxConfig) -> None:
    """Every resource of the population could have been written over REST, its references included."""
    store = create_sandbox(config).extensions["sandbox_store"]

    for resource in population(TODAY):
        check_id(resource["id"])
        check_resource(resource, resource["resourceType"])
        check_references(resource, store, config.fhir_base)
