"""`python -m smart_app.sandbox`: the sandbox as a process."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from smart_app.sandbox.__main__ import SandboxServer
from smart_app.sandbox.config import SandboxConfig


@pytest.fixture
def port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Path:
    """Return a settings file for that port."""
    file = tmp_path / "sandbox.json"
    file.write_text(
        json.dumps(
            {
                "base_url": f"http://127.0.0.1:{port}",
                "database": str(tmp_path / "ehr.sqlite"),
                "clients": [],
                "populate": False,
            }
        )
    )
    return file


def command(settings: Path, port: int) -> list[str]:
    """Return the command line."""
    return [sys.executable, "-m", "smart_app.sandbox", "--config", str(settings), "--port", str(port)]


def test_process_serves_and_stops_quietly(settings: Path, port: int) -> None:
    """The process answers on loopback, and SIGTERM ends it with 0 and without a word."""
    process = subprocess.Popen(command(settings, port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=Retry(connect=300, backoff_factor=0.05, backoff_max=0.2)))
            statement = session.get(f"http://127.0.0.1:{port}/fhir/metadata", timeout=10).json()
            refused = session.get(f"http://127.0.0.1:{port}/fhir/Patient", timeout=10)
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)

    assert statement["implementation"]["url"] == f"http://127.0.0.1:{port}/fhir"
    assert refused.status_code == 401
    assert (process.returncode, output) == (0, "")


def test_bad_settings_end_the_process(settings: Path, port: int) -> None:
    """Settings that cannot be used are named on one line, without a traceback."""
    settings.write_text("{}")

    done = subprocess.run(command(settings, port), capture_output=True, text=True, timeout=20)

    assert done.returncode == 1
    assert done.stderr == "sandbox: the settings: missing setting base_url, clients, database\n"


def test_server_listens_on_this_machine_only(tmp_path: Path) -> None:
    """The bind address is loopback, with one worker, and the application is the sandbox."""
    config = SandboxConfig(base_url="http://127.0.0.1:9", database=tmp_path / "ehr.sqlite", clients=(), populate=False)

    server = SandboxServer(config, 9)

    assert server.cfg.bind == ["127.0.0.1:9"]
    assert (server.cfg.workers, server.cfg.threads) == (1, 8)
    assert server.load().extensions["sandbox_store"].empty
