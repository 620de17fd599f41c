"""An EHR on loopback that exports whatever a test wants, and an export from it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.cohort.asking import BulkServer, Patience
from fhir_alliance.cohort.exporting import export
from fhir_alliance.cohort.folder import Folder, Wanted
from fhir_alliance.cohort.taking import Exported
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.draft import BULK_SCOPES
from fhir_alliance.ehr.registry import Registry
from tests.ehr.conftest import CANARY, NOW, ehr, keys, registry, server, settings_of, sink

__all__ = ["ehr", "keys", "registry", "server", "settings_of", "sink"]
KICK_OFF = "/fhir/Group/all/$export"
STATUS = "/bulk/1"
SURVEY = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"}]}]


def observation(number: int, version: str = "1", **changes: Any) -> dict[str, Any]:
    """Return one survey Observation."""
    value = {"resourceType": "Observation", "id": f"o{number}", "meta": {"versionId": version}, "category": SURVEY}
    return {**value, **changes}


def ndjson(*resources: Any) -> bytes:
    """Return a file of these resources."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in resources)


class Bulk:
    """An EHR that exports, and the exports asked of it; its clock moves when somebody waits."""

    def __init__(self, server: Any, ehr: Any, settings_of: Callable[..., Any], folder: Path) -> None:
        self.server = server
        self.settings_of = settings_of
        self.ehr = replace(ehr, backend=replace(ehr.backend, scopes=BULK_SCOPES))
        self.into = folder / "export"
        self.waits: list[float] = []
        self.registry = Registry(settings_of(self.ehr))
        token = {"access_token": CANARY, "token_type": "bearer", "expires_in": 300, "scope": BULK_SCOPES}
        server.on("POST", "/auth/token", token)
        server.on("GET", KICK_OFF, status=202, Content_Location=STATUS)
        server.on("DELETE", STATUS, status=202)

    def clock(self) -> datetime:
        """Return the present: it moves only by waiting."""
        return NOW + timedelta(seconds=sum(self.waits))

    def manifest(self, *output: tuple[str, str], **changes: Any) -> None:
        """Let the export be ready, with these files by type and address."""
        value = {
            "transactionTime": "2026-11-12T15:00:00Z",
            "request": "x",
            "requiresAccessToken": True,
            "output": [{"type": kind, "url": url} for kind, url in output],
            "error": [],
        }
        value = {name: part for name, part in {**value, **changes}.items() if part is not ...}
        self.server.on("GET", STATUS, value, Content_Type="application/json")

    def files(self, **bodies: bytes) -> None:
        """Let the export be ready with a file for each type, next to its status."""
        for kind, body in bodies.items():
            self.server.on("GET", f"/bulk/{kind}", body, Content_Type="application/fhir+ndjson")
        self.manifest(*((kind, f"{self.server.url}/bulk/{kind}") for kind in bodies))

    def bulk_server(self, **changes: Any) -> BulkServer:
        """Return what asks."""
        patience = Patience(clock=self.clock, pause=self.waits.append)
        return BulkServer(self.ehr, BackendTokens(self.registry, self.clock), patience, **changes)

    def export(self, since: str | None = None, **changes: Any) -> Exported:
        """Export the group."""
        wanted = Wanted(ehr="harbor", group="all", since=since)
        return export(self.bulk_server(**changes), Folder(self.into), wanted, self.ehr.write)

    def lines(self, kind: str) -> list[Any]:
        """Return what is in a file of the folder."""
        return [json.loads(line) for line in (self.into / f"{kind}.ndjson").read_bytes().splitlines()]

    def asked(self, path: str) -> list[Any]:
        """Return the requests to a path."""
        return [each for each in self.server.seen if each.path == path]


@pytest.fixture
def bulk(server: Any, ehr: Any, settings_of: Callable[..., Any], tmp_path: Path) -> Bulk:
    """Return an EHR that exports."""
    return Bulk(server, ehr, settings_of, tmp_path)
