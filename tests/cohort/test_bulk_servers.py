"""Exports from whole servers: the command at the sandbox EHR, and the server of somebody else."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import select
from werkzeug.serving import make_server

from fhir_alliance.cohort.asking import BulkServer, Patience
from fhir_alliance.cohort.exporting import export
from fhir_alliance.cohort.folder import Folder, Wanted
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.draft import BACKEND_SCOPES, BULK_SCOPES
from fhir_alliance.store import open_store
from fhir_alliance.tables import audit
from smart_app.cli import main
from smart_app.demo.site import Site, write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from tests.ports import own_port
from tests.sekmet import running_sekmet

from .conftest import SURVEY, Bulk

GROUP = "harbor-psychotherapy"


@contextmanager
def sandbox(folder: Path, *, registered: str = f"{BACKEND_SCOPES} {BULK_SCOPES}", **changes: Any) -> Iterator[Site]:
    """Run a sandbox EHR, at which the backend client may do what it asks for."""
    site = write_site(folder, ehr_port=own_port(), app_port=2, profile=changes.pop("profile", "generous"))
    site.settings.write_text(site.settings.read_text().replace(BACKEND_SCOPES, f"{BACKEND_SCOPES} {BULK_SCOPES}"))
    text = site.sandbox.read_text().replace(BACKEND_SCOPES, registered)
    site.sandbox.write_text(json.dumps(json.loads(text) | {"bulk_seconds": 0, **changes}))
    app = create_sandbox(read_config(site.sandbox))
    server = make_server("127.0.0.1", int(site.ehr_url.rpartition(":")[2]), app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["sandbox_store"].close()


def call(site: Site, into: Path, *arguments: str, group: str = GROUP) -> Result:
    """Run the command."""
    options = ["--ehr", "harbor", "--group", group, "--into", str(into), "--settings", str(site.settings)]
    return CliRunner().invoke(main, ["bulk", "export", *options, *arguments])


def events(site: Site) -> list[tuple[str, str, str]]:
    """Return what the audit trail has."""
    engine = open_store(f"sqlite:///{site.settings.parent / 'alliance.db'}")
    with engine.connect() as connection:
        rows = connection.execute(select(audit.c.event, audit.c.actor, audit.c.outcome)).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def ids(into: Path, kind: str) -> list[str]:
    """Return the ids in a file of an export."""
    return [json.loads(line)["id"] for line in (into / f"{kind}.ndjson").read_bytes().splitlines()]


@pytest.mark.parametrize("profile", ["generous", "fire-hose"])
def test_a_group_is_exported_and_the_next_export_has_only_what_is_new(tmp_path: Path, profile: str) -> None:
    """Everybody's survey results come once, also from an EHR that ignores filters; the next export begins there."""
    with sandbox(tmp_path, profile=profile) as site:
        first = call(site, tmp_path / "first", "--by", "Jo Park")
        since = json.loads((tmp_path / "first" / "manifest.json").read_bytes())["transactionTime"]
        second = call(site, tmp_path / "second", "--since", since)

    assert first.exit_code == 0, first.output
    assert f"The next export: --since {since}" in first.output
    for kind in ("Patient", "Observation", "QuestionnaireResponse"):
        found = ids(tmp_path / "first", kind)
        assert len(found) == len(set(found)) > 5
    assert "maria-lopez" in ids(tmp_path / "first", "Patient")
    assert second.exit_code == 0, second.output
    assert ids(tmp_path / "second", "Observation") == []
    assert events(site) == [
        ("bulk.begun", "Jo Park", GROUP),
        ("bulk.ended", "Jo Park", "complete"),
        ("bulk.begun", "fhir-alliance bulk", GROUP),
        ("bulk.ended", "fhir-alliance bulk", "complete"),
    ]


@pytest.mark.parametrize(
    ("group", "arguments", "told"),
    [
        ("nobody", [], "HTTP 404"),
        ("../Patient", [], "--group is the id of a Group"),
        (GROUP, ["--since", "yesterday"], "--since is a date and time"),
        (GROUP, ["--files-at", "ftp://files"], "--files-at ftp://files: give an origin"),
        (GROUP, ["--ehr", "lake"], "There is no [ehr.lake]"),
    ],
)
def test_what_cannot_be_exported_is_told(tmp_path: Path, group: str, arguments: list[str], told: str) -> None:
    """An unknown group, and options that mean nothing, end with a plain line and without a file."""
    with sandbox(tmp_path) as site:
        result = call(site, tmp_path / "out", *arguments, group=group)

    assert (result.exit_code, told in result.output) == (1, True), result.output
    assert not list((tmp_path / "out").glob("*"))


def test_scopes_that_are_missing_are_named(tmp_path: Path) -> None:
    """Both what the settings do not ask for, and what the EHR does not grant, is said before anything begins."""
    (tmp_path / "a").mkdir()
    with sandbox(tmp_path / "a", registered=f"{BACKEND_SCOPES} system/Patient.rs") as site:
        refused = call(site, tmp_path / "out")
        site.settings.write_text(site.settings.read_text().replace("system/Group.rs", ""))
        unasked = call(site, tmp_path / "out")

    assert "does not grant the backend client system/Observation.rs" in refused.output
    assert "scopes: system/Group.rs are needed as well" in unasked.output
    assert not (tmp_path / "out").exists()


def test_the_server_of_somebody_else_exports(bulk: Bulk, tmp_path: Path) -> None:
    """sekmet-fhir takes the kick-off, is waited for, gives its files, and forgets the export at the end."""
    (tmp_path / "sekmet").mkdir()
    with running_sekmet(tmp_path / "sekmet", validation={"inbound": "off"}) as base:
        about = {"status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p1"}}
        for resource in (
            {"resourceType": "Patient", "id": "p1"},
            {"resourceType": "Group", "id": "all", "member": [{"entity": {"reference": "Patient/p1"}}]},
            {"resourceType": "Observation", "id": "o1", "category": SURVEY, **about},
            {"resourceType": "Observation", "id": "o2", **about},
        ):
            place = f"{base}/{resource['resourceType']}/{resource['id']}"
            requests.put(place, json=resource, timeout=10).raise_for_status()
        ehr = replace(bulk.ehr, fhir_base=base)
        tokens = BackendTokens(bulk.registry, lambda: datetime.now(UTC))
        server = BulkServer(ehr, tokens, Patience(clock=lambda: datetime.now(UTC), pause=time.sleep))
        found = export(server, Folder(bulk.into), Wanted(ehr="harbor", group="all"), ehr.write)

    assert found.counts == {"Patient": 1, "Observation": 1, "QuestionnaireResponse": 0}
    assert ids(bulk.into, "Observation") == ["o1"]
    assert found.complete
    assert not list((tmp_path / "sekmet" / "bulk").iterdir())
