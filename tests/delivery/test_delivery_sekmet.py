"""The same visit written to a FHIR server that is not ours."""

import os
import socket
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import requests

if TYPE_CHECKING:
    from tests.delivery.conftest import Site


@pytest.fixture
def sekmet(tmp_path: Path) -> Iterator[str]:
    """Run sekmet-fhir on a free port of this machine; returns its FHIR base."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}/fhir"
    command = [f"{sysconfig.get_path('scripts')}/sekmet", "serve", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "SEKMET_DB": str(tmp_path / "sekmet.db"), "SEKMET_BASE_URL": base}
    with (tmp_path / "sekmet.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            wait_for_start(process, tmp_path / "sekmet.log")
            yield base
        finally:
            process.terminate()
            process.wait(10)


def wait_for_start(process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when the server says that it is running."""
    while "Uvicorn running" not in log.read_text():
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"sekmet ended: {log.read_text()}")


def found(base: str, query: str, kind: str) -> list[dict[str, Any]]:
    """Return what a search of the other server finds."""
    entries = requests.get(f"{base}/{query}", timeout=10).json().get("entry", [])
    return [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == kind]


def test_visit_is_written_and_read_back(
    sekmet: str,
    make_site: Callable[[str, str], "Site"],
    make_submission: Callable[..., Any],
    bundle_of: Callable[..., dict[str, Any]],
    records: tuple[dict[str, Any], ...],
) -> None:
    """It refuses conditional creates and ignores `identifier`; the visit is there once, and a repeat adds nothing."""
    for resource in records:
        url = f"{sekmet}/{resource['resourceType']}/{resource['id']}"
        requests.put(url, json=resource, timeout=10).raise_for_status()
    site = make_site(sekmet, "http://127.0.0.1:9/token")
    submission = make_submission()
    bundle, grant = orjson.dumps(bundle_of(submission)), site.grant()

    for _ in range(2):
        site.outbox.accept(submission, bundle, grant=grant)
        site.deliver(hours=1)

    assert site.standing(submission.key) == ("delivered", None)
    assert len(found(sekmet, "QuestionnaireResponse?patient=maria-lopez", "QuestionnaireResponse")) == 1
    assert len(found(sekmet, "Observation?patient=maria-lopez", "Observation")) == 2
    assert len(found(sekmet, "Provenance", "Provenance")) == 1
