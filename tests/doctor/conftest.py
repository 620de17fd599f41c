"""Sandbox EHRs of every kind on loopback, and the command line in this process."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import request
from sqlalchemy import Engine
from werkzeug.serving import make_server

from fhir_alliance.store import open_store
from smart_app.cli import main
from smart_app.demo.run import free_port
from smart_app.demo.site import Site, write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config


class Running:
    """A site and the sandbox EHR it has registered as `harbor`; the EHR can be started again as another kind."""

    def __init__(self, folder: Path, profile: str, record: Path) -> None:
        self.site: Site = write_site(folder, ehr_port=free_port(0), app_port=2, profile=profile)
        shutil.copy(record, folder / "sandbox.db")
        self._stack = ExitStack()
        self.start()

    @property
    def store(self) -> Any:
        """The EHR's records."""
        return self._app.extensions["sandbox_store"]

    @property
    def traffic(self) -> Any:
        """What the EHR was asked: (method, path, status, client)."""
        return self._app.extensions["sandbox_log"]

    def become(self, profile: str) -> None:
        """Stop, and answer again as another kind of EHR with the same records."""
        self.stop()
        text = self.site.sandbox.read_text()
        before = text.partition('"profile": "')[2].partition('"')[0]
        self.site.sandbox.write_text(text.replace(f'"profile": "{before}"', f'"profile": "{profile}"'))
        self.start()

    def start(self) -> None:
        """Answer."""
        self._app = create_sandbox(read_config(self.site.sandbox))
        port = int(self.site.ehr_url.rpartition(":")[2])
        server = make_server("127.0.0.1", port, self._app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for end in (self.store.close, server.server_close, thread.join, server.shutdown):
            self._stack.callback(end)

    def answer(self, path: str, body: str, status: int) -> None:
        """Say this at one path from now on, whatever the EHR would say."""

        def instead() -> tuple[str, int] | None:
            return (body, status) if request.path == path else None

        self._app.before_request_funcs.setdefault(None, []).insert(0, instead)

    def on_request(self, seen: Callable[[str], object]) -> None:
        """Call this with the path of every request from now on."""
        self._app.before_request_funcs.setdefault(None, []).insert(0, lambda: seen(request.path) and None)

    def stop(self) -> None:
        """Stop answering."""
        self._stack.close()

    def call(self, *arguments: str, said: str | None = None) -> Result:
        """Run one command with the site's settings; `said` is what a person types."""
        return CliRunner().invoke(main, [*arguments, "--settings", str(self.site.settings)], input=said)

    def doctor(self, *arguments: str, said: str | None = None) -> str:
        """Return what doctor says of the EHR, and assert that it could say something."""
        result = self.call("doctor", "--ehr", "harbor", *arguments, said=said)
        assert result.exit_code == 0, result.output
        return result.output

    def database(self) -> Engine:
        """Open the site's store."""
        return open_store(f"sqlite:///{self.site.settings.parent / 'alliance.db'}")


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the records of a sandbox EHR, made once to be copied: before any app they are of no kind."""
    folder = tmp_path_factory.mktemp("record")
    site = write_site(folder, ehr_port=1, app_port=2)
    create_sandbox(read_config(site.sandbox)).extensions["sandbox_store"].close()
    return folder / "sandbox.db"


@pytest.fixture
def make_running(tmp_path: Path, record: Path) -> Iterator[Callable[[str], Running]]:
    """Start sandbox EHRs of a kind."""
    started: list[Running] = []

    def make(profile: str) -> Running:
        folder = tmp_path / profile
        folder.mkdir()
        started.append(Running(folder, profile, record))
        return started[-1]

    yield make
    for each in started:
        each.stop()
