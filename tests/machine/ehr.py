"""The sandbox's FHIR server on loopback, with faults between it and whoever asks."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from fhir_alliance.ehr.draft import PATIENT_SCOPES
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import SandboxClient, SandboxConfig
from tests.machine.faulty import Faulty
from tests.prepared import people


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""


class Ehr:
    """The sandbox on loopback; `faults` are those of the next writes, `late` the writes that may still come."""

    def __init__(self, patients: int) -> None:
        self.faults: deque[str] = deque()
        self.late: list[Callable[[], object]] = []
        self.posted: list[str] = []
        server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        server.daemon_threads = False
        self._server = server
        self.origin = f"http://127.0.0.1:{server.server_port}"
        client = SandboxClient(
            client_id="alliance-patient",
            name="Alliance",
            scopes=PATIENT_SCOPES,
            grant_types=("authorization_code", "refresh_token"),
            redirect_uris=("http://localhost/callback",),
        )
        config = SandboxConfig(base_url=self.origin, database=Path(":memory:"), clients=(client,), populate=False)
        app = create_sandbox(config)
        self.store: Any = app.extensions["sandbox_store"]
        self.grants: Any = app.extensions["sandbox_grants"]
        self.store.load(people(patients))
        self.faulty = Faulty(app.wsgi_app, self.grants, self._fault, late=self.late.append, limit=0)
        self._thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.store.close()

    def write_late(self) -> None:
        """Do what was asked for long ago."""
        while self.late:
            self.late.pop(0)()

    def holds(self) -> list[dict[str, Any]]:
        """Return every response and Observation in all charts."""
        kinds = ("QuestionnaireResponse", "Observation")
        return [each for kind in kinds for each in self.store.search(kind, [("_count", "1000")]).resources]

    def end_permissions(self) -> None:
        """End everything that was granted, as an administrator of the EHR may."""
        self.grants.expire_access_tokens()
        self.grants._refresh.forget(lambda _: True)

    def merge(self, patient: str) -> None:
        """Let a patient's record go up in another one."""
        merged = self.store.read("Patient", patient)
        other = {"other": {"reference": "Patient/p0"}, "type": "replaced-by"}
        self.store.update({**merged, "active": False, "link": [other]})

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        return self.faulty(environ, start)

    def _fault(self, environ: dict[str, Any]) -> str | None:
        writes = environ["REQUEST_METHOD"] in ("POST", "PUT") and environ["PATH_INFO"].startswith("/fhir")
        return self.faults.popleft() if writes and self.faults else None
