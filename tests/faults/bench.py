"""The fault bench: the sandbox EHR behind a proxy, a store, and the real processes of the app, for faults to end."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any
from uuid import uuid4

import orjson
import requests
from sqlalchemy import Row, select, text
from werkzeug.serving import WSGIRequestHandler, make_server

from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.draft import BACKEND_SCOPES
from fhir_alliance.ehr.identity import User
from fhir_alliance.ehr.launches import Granted
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import attempts, submissions
from fhir_alliance.vault import Vault
from smart_app.demo.site import write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from tests.ports import own_port

from .history import Tally, check_history
from .proxy import Proxy
from .running import Forked

PATIENTS = ("maria-lopez", "thomas-reyes", "aoife-obrien")
WRITES = (
    "system/Patient.r system/Encounter.r system/QuestionnaireResponse.crs system/Observation.crs system/Provenance.c"
)
OVER = (State.DELIVERED, State.HELD, State.REJECTED)
_KINDS = ("QuestionnaireResponse", "Observation")
_LIMIT = 60.0
_pause = Event()


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; a minute without it is a failure."""
    end = monotonic() + _LIMIT
    while not holds():
        if monotonic() > end:
            raise AssertionError(f"not after {_LIMIT:.0f} s: {what}")
        _pause.wait(0.02)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""


class Started:
    """A command started by another program, such as strace, with which it makes a group."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._popen = subprocess.Popen(command, start_new_session=True, env={**os.environ, **environment})
        self.pid = self._popen.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        os.killpg(self.pid, number)

    def ended(self) -> int:
        """Wait for its end; returns the exit status."""
        return self._popen.wait(_LIMIT)


class Bench:
    """One site on loopback; time passes in its store only when told."""

    def __init__(self, folder: Path, record: Path, submit: Callable[..., Submission], database: str | None) -> None:
        self.proxy_port, self.ehr_port, self.app_port = own_port(), own_port(), own_port()
        self.site = write_site(folder, ehr_port=self.proxy_port, app_port=self.app_port, token_seconds=3600)
        self._change_files(database)
        shutil.copy(record, folder / "sandbox.db")
        self.ehr = create_sandbox(read_config(self.site.sandbox))
        self._before = self._resources()
        self._server = make_server("127.0.0.1", self.ehr_port, self.ehr, threaded=True, request_handler=_Quiet)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.proxy = Proxy(self.proxy_port, self.ehr_port)
        self._submit = submit
        self._processes: list[Forked | Started] = []
        self.open()

    def open(self) -> None:
        """Open the store, as each start of the app does."""
        settings = read_settings(self.site.settings)
        self.database = settings.database
        self.store, self.vault = open_store(settings.database), Vault.from_file(settings.vault_key_file)
        self.outbox = Outbox(self.store, self.vault, _now)
        self._grants = Grants(self.store, self.vault, Registry(settings), _now)

    def close(self) -> None:
        """End everything that still runs."""
        for process in self._processes:
            if process.runs:
                process.send(signal.SIGKILL)
            process.ended()
        self.store.dispose()
        self.proxy.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.ehr.extensions["sandbox_store"].close()

    def worker(self) -> Forked:
        """Start the process that delivers."""
        self._processes.append(process := Forked("worker", "--settings", str(self.site.settings)))
        return process

    def start(self, *command: str, by: Sequence[str] = (), **environment: str) -> Started:
        """Start a command with this site's settings, by another program when one is given."""
        program = [*by, sys.executable, "-m", "smart_app.cli", *command, "--settings", str(self.site.settings)]
        self._processes.append(process := Started(program, environment))
        return process

    def serve(self, *options: str, by: Sequence[str] = ()) -> Started:
        """Start the process that serves pages, and wait until it answers."""
        process = self.start("serve", "--port", str(self.app_port), *options, by=by)
        until(self.answers, "the app answers")
        return process

    def answers(self, path: str = "/health") -> bool:
        """Whether the app says that it is ready."""
        try:
            return requests.get(f"{self.site.app_url}{path}", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def submission(self, patient: str = PATIENTS[0], **fields: Any) -> Submission:
        """Make a submission of a patient of the EHR."""
        shown = read_patient(self.ehr.extensions["sandbox_store"].read("Patient", patient))
        who = f"Patient/{patient}"
        own = {"key": str(uuid4()), "patient": shown, "encounter": None, "source": who, "author": who}
        return self._submit(**{**own, **fields})

    def grant(self, patient: str = PATIENTS[0]) -> str:
        """Keep a person's permission that has ended: what waits goes with the app's own."""
        granted = Granted(
            access_token="ended",
            refresh_token=None,
            expires_at=_now() - timedelta(hours=1),
            scopes=frozenset({"openid"}),
            patient=patient,
            encounter=None,
            user=User(issuer=self.site.fhir_base, subject="u1", reference=f"Patient/{patient}"),
            need_patient_banner=False,
            style_url=None,
            intent=None,
            fhir_context=(),
        )
        return self._grants.keep("harbor", "patient", granted)

    def accept(self, patient: str = PATIENTS[0], **fields: Any) -> str:
        """Accept a form of a patient; returns its key."""
        return self.accept_again(self.submission(patient, **fields), self.grant(patient))

    def accept_again(self, submission: Submission, grant: str) -> str:
        """Accept a submission, or have accepted it before; returns its key."""
        return self.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=grant).key

    def row(self, key: str) -> Row[Any]:
        """Return a submission's row."""
        with self.store.connect() as connection:
            return connection.execute(select(submissions).where(submissions.c.key == key)).one()

    def keys(self) -> list[str]:
        """Return the keys of all submissions, in the order accepted."""
        with self.store.connect() as connection:
            return list(connection.scalars(select(submissions.c.key).order_by(submissions.c.sequence)))

    def standing(self, key: str) -> tuple[str, str | None]:
        """Return state and reason of a submission."""
        row = self.row(key)
        return row.state, row.reason

    def until_over(self, *keys: str) -> None:
        """Wait until nothing more happens to submissions by itself."""
        until(lambda: all(self.row(key).state in OVER for key in keys), "delivered or held")

    def pass_time(self, **amount: float) -> None:
        """Let time pass for what is kept: every moment that something waits for, or began, moves back."""
        by = timedelta(**amount)
        with transaction(self.store) as connection:
            for row in connection.execute(select(submissions)).all():
                due = {"next_attempt_at": row.next_attempt_at - by, "leased_until": _earlier(row.leased_until, by)}
                connection.execute(submissions.update().where(submissions.c.key == row.key).values(due))
            for row in connection.execute(select(attempts)).all():
                began = {"started_at": row.started_at - by}
                connection.execute(attempts.update().where(attempts.c.id == row.id).values(began))

    def written(self) -> list[dict[str, Any]]:
        """Return what the EHR holds now and did not at the start."""
        return [value for place, value in self._resources().items() if place not in self._before]

    def responses(self, key: str) -> list[dict[str, Any]]:
        """Return the responses of a submission at the EHR."""
        return [each for each in self.written() if each.get("identifier") and _key(each) == key]

    def tally(self, *thanked: str) -> Tally:
        """Check what was promised against what is in the chart."""
        return check_history(self.store, self.vault, self.written(), thanked=thanked)

    def damage(self, statement: str) -> None:
        """Run a statement on the store, past every check."""
        with transaction(self.store) as connection:
            connection.execute(text(statement))

    def _resources(self) -> dict[tuple[str, str], dict[str, Any]]:
        store = self.ehr.extensions["sandbox_store"]
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for kind in _KINDS:
            params: list[tuple[str, str]] | None = [("_count", "500")]
            while params:
                page = store.search(kind, params)
                found |= {(kind, each["id"]): each for each in page.resources}
                params = page.next
        return found

    def _change_files(self, database: str | None) -> None:
        """Let the app's own client deliver, and the store be where it is asked for."""
        settings = self.site.settings.read_text().replace(BACKEND_SCOPES, WRITES)
        if database:
            settings = settings.replace(f"sqlite:///{self.site.settings.parent / 'alliance.db'}", database)
        self.site.settings.write_text(settings)
        values = json.loads(self.site.sandbox.read_text())
        next(each for each in values["clients"] if each["client_id"] == "alliance-backend")["scopes"] = WRITES
        self.site.sandbox.write_text(json.dumps(values))


@contextmanager
def open_bench(
    folder: Path, record: Path, submit: Callable[..., Submission], database: str | None = None
) -> Iterator[Bench]:
    """Set a bench up in an empty folder; its store is an SQLite file there unless a database is named."""
    bench = Bench(folder, record, submit, database)
    try:
        yield bench
    finally:
        bench.close()


def _now() -> datetime:
    return datetime.now(UTC)


def _earlier(moment: datetime | None, by: timedelta) -> datetime | None:
    return moment and moment - by


def _key(resource: dict[str, Any]) -> str:
    identifier = resource["identifier"]
    first = identifier[0] if isinstance(identifier, list) else identifier
    return str(first["value"]).removeprefix("urn:uuid:").partition(".")[0]
