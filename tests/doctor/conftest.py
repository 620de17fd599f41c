"""Sandbox EHRs of every kind on loopback, and the command line in this process."""

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Response, request
from sqlalchemy import Engine
from werkzeug.serving import make_server

from fhir_alliance.ehr.draft import BACKEND_SCOPES
from fhir_alliance.store import open_store
from smart_app.cli import main
from smart_app.demo.site import Site, write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from tests.ports import own_port

MARIA, BORN, VISIT = "maria-lopez", "1991-06-17", "maria-lopez-v14"
MAY_PROBE = (
    "system/Patient.r system/Encounter.r system/QuestionnaireResponse.crus system/Observation.crus "
    "system/DocumentReference.crus"
)
Place = tuple[str, str]


class Running:
    """A site and the sandbox EHR it has registered as `harbor`; the EHR can be started again as another kind."""

    def __init__(self, folder: Path, profile: str, record: Path) -> None:
        self.site: Site = write_site(folder, ehr_port=own_port(), app_port=2, profile=profile)
        shutil.copy(record, folder / "sandbox.db")
        self._stack = ExitStack()

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

    def let_probe(self, scopes: str = MAY_PROBE, *, registered: str | None = None, **sandbox: Any) -> None:
        """Give the backend client other scopes, at the EHR `registered` ones, and the EHR other settings."""
        self.site.settings.write_text(self.site.settings.read_text().replace(BACKEND_SCOPES, scopes))
        values = json.loads(self.site.sandbox.read_text()) | sandbox
        (backend,) = [each for each in values["clients"] if each["client_id"] == "alliance-backend"]
        backend["scopes"] = registered or scopes
        self.site.sandbox.write_text(json.dumps(values, indent=4))

    def chart(self) -> dict[Place, dict[str, Any]]:
        """Return what is in Maria's chart of the types that we write."""
        kinds = ("QuestionnaireResponse", "Observation", "DocumentReference", "Provenance")
        found = [self.store.search(kind, [("patient", MARIA), ("_count", "1000")]).resources for kind in kinds]
        return {(each["resourceType"], each["id"]): each for several in found for each in several}

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

        def before() -> None:
            seen(request.path)

        self._app.before_request_funcs.setdefault(None, []).insert(0, before)

    def on_answer(self, seen: Callable[[], object]) -> None:
        """Call this when a request has been carried out, before it is answered, from now on."""

        def after(response: Response) -> Response:
            seen()
            return response

        self._app.after_request_funcs.setdefault(None, []).append(after)

    def cut(self, method: str, *, for_good: bool = False, first: bool = False) -> None:
        """Close the connection of every request of a method to the FHIR server, without an answer.

        `first` before it is carried out; `for_good` of every later request, too.
        """
        broken = []

        def close() -> tuple[str, int] | None:
            if not request.path.startswith("/fhir") or not (broken or request.method == method):
                return None
            broken.extend([True] * for_good)
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return "", 500

        if first:
            self._app.before_request_funcs.setdefault(None, []).insert(0, close)
        else:
            self.on_answer(close)

    def probe(self, *arguments: str, said: str | None = None) -> Result:
        """Run a write probe on Maria's chart."""
        options = ("--ehr", "harbor", "--write-probe", "--patient", MARIA, "--by", "Jo Park")
        return self.call("doctor", *options, *arguments, said=said)

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
def make_site(tmp_path: Path, record: Path) -> Iterator[Callable[[str], Running]]:
    """Write the files of sites with sandbox EHRs of a kind, which are not started yet."""
    made: list[Running] = []

    def make(profile: str) -> Running:
        folder = tmp_path / profile
        folder.mkdir()
        made.append(Running(folder, profile, record))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def make_running(make_site: Callable[[str], Running]) -> Callable[[str], Running]:
    """Start sandbox EHRs of a kind."""

    def make(profile: str) -> Running:
        running = make_site(profile)
        running.start()
        return running

    return make


@pytest.fixture
def make_probed(make_site: Callable[[str], Running]) -> Callable[..., Running]:
    """Start sandbox EHRs of a kind whose backend client may do what a probe does, unless said otherwise."""

    def make(profile: str, /, *scopes: str, **more: Any) -> Running:
        running = make_site(profile)
        running.let_probe(*scopes, **more)
        running.start()
        return running

    return make
