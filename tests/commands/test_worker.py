"""`fhir-alliance worker`: what is accepted by one process is delivered by others."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event

import pytest
import requests
from click.testing import CliRunner

from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store
from smart_app.cli import main
from smart_app.demo.site import Site, write_site
from smart_app.demo.walk import walk_visit
from smart_app.publishing import publish_all
from tests import postgres
from tests.ports import own_port


@contextmanager
def process(*module: str, stderr: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module of ours until the block ends."""
    with subprocess.Popen([sys.executable, "-m", *module], stderr=stderr) as running:
        try:
            yield running
        finally:
            running.terminate()
            running.wait(30)


def until_answered(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers; it must not have ended before."""
    while server.poll() is None:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            Event().wait(0.1)
    pytest.fail(f"nothing answers at {url}")


@pytest.fixture
def site(tmp_path: Path, postgresql: postgres.Cluster) -> Site:
    """Write the settings of a site whose database is PostgreSQL."""
    found = write_site(tmp_path, ehr_port=own_port(), app_port=own_port())
    file = f"sqlite:///{tmp_path / 'alliance.db'}"
    text = found.settings.read_text()
    assert file in text
    found.settings.write_text(text.replace(file, postgresql.database()))
    return found


def test_other_processes_deliver(site: Site) -> None:
    """Two processes serve and two deliver, on one PostgreSQL: a visit ends in the chart, and a TERM ends each."""
    settings = ("--settings", str(site.settings))
    with ExitStack() as servers:
        ehr = ("smart_app.sandbox", "--config", str(site.sandbox), "--port", site.ehr_url.rpartition(":")[2])
        until_answered(f"{site.fhir_base}/metadata", servers.enter_context(process(*ehr)))
        port = ("--port", site.app_url.rpartition(":")[2])
        serve = ("smart_app.cli", "serve", *settings, *port, "--workers", "2", "--no-deliver")
        until_answered(f"{site.app_url}/health", servers.enter_context(process(*serve)))
        workers = [servers.enter_context(process("smart_app.cli", "worker", *settings)) for _ in range(2)]
        list(publish_all(read_settings(site.settings)))

        walk_visit(site)

        for each in workers:
            each.send_signal(signal.SIGTERM)
        assert [each.wait(30) for each in workers] == [0, 0]


def test_several_workers_need_postgresql(tmp_path: Path) -> None:
    """An SQLite file has one writer: more processes on it are refused with the setting to mend."""
    settings = write_site(tmp_path, ehr_port=1, app_port=2).settings

    done = CliRunner().invoke(main, ["serve", "--settings", str(settings), "--workers", "2"])

    assert (done.exit_code, done.stdout) == (1, "")
    assert "several workers need PostgreSQL" in done.stderr


def test_a_file_that_the_settings_name_keeps_the_app_from_starting_in_words(tmp_path: Path) -> None:
    """What is only read at the start is told by its line, without a stack, and the server ends."""
    site = write_site(tmp_path, ehr_port=own_port(), app_port=own_port())
    site.settings.write_text('talks_file = "talks.yaml"\n' + site.settings.read_text("utf-8"), "utf-8")
    (tmp_path / "talks.yaml").write_text("questions:\n  slow slid: [What has changed?]\n", "utf-8")
    serve = ("serve", "--settings", str(site.settings), "--port", site.app_url.rpartition(":")[2])

    with process("smart_app.cli", *serve, stderr=subprocess.PIPE) as server:
        told = server.communicate(timeout=60)[1].decode()

    assert server.returncode != 0
    assert told.startswith("talks.yaml:2: questions.slow slid: is no reason")
    assert "Traceback" not in told


def test_start_outlasts_another_writer(tmp_path: Path) -> None:
    """While another process writes for longer than a transaction waits, `serve` says so, and comes up after it."""
    site = write_site(tmp_path, ehr_port=own_port(), app_port=own_port())
    open_store(read_settings(site.settings).database).dispose()
    serve = ("serve", "--settings", str(site.settings), "--port", site.app_url.rpartition(":")[2])
    with (
        closing(sqlite3.connect(tmp_path / "alliance.db", isolation_level=None)) as other,
        process("smart_app.cli", *serve, stderr=subprocess.PIPE) as server,
    ):
        other.execute("BEGIN IMMEDIATE")
        told = server.stderr.readline() if server.stderr else b""
        other.rollback()

        until_answered(f"{site.app_url}/health", server)

    assert json.loads(told)["event"] == "store.busy"
