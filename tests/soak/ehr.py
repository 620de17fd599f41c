"""The EHR of a soak as a process: the sandbox with its own people, faults in front of it, and a desk for the soak."""

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from fhir_alliance.ehr.draft import PATIENT_SCOPES
from smart_app.sandbox.__main__ import SandboxServer
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.auth.context import Launch
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.config import SandboxConfig, read_config
from tests.machine.faulty import READS, WRITES, Faulty

VERIFIER = "v" * 43


class Plan:
    """Which request fails, and how: `share` of the writes, and a sixth of it of everything else."""

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._random = random.Random(seed)  # noqa: S311  # test data
        self._lock = Lock()

    def __call__(self, environ: Mapping[str, Any]) -> str | None:
        """Choose the fault of one request; the soak's own questions are answered always."""
        if not environ["PATH_INFO"].startswith("/fhir/") and environ["PATH_INFO"] != "/fhir":
            return None
        writes = environ["REQUEST_METHOD"] == "POST"
        with self._lock:
            if self._random.random() >= (self._share if writes else self._share / 6):
                return None
            return self._random.choice(WRITES if writes else READS)


class Late:
    """Writes some seconds after the request."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._threads: list[Timer] = []

    def __call__(self, write: Callable[[], object]) -> None:
        """Write, but not yet."""
        self._threads.append(Timer(self._seconds, write))
        self._threads[-1].start()

    def settle(self) -> None:
        """Wait until everything is written."""
        while self._threads:
            self._threads.pop().join()


def tokens_for(grants: Grants, patient: str) -> dict[str, object]:
    """Return what the token endpoint answers to a patient's launch."""
    redirect = "http://localhost/callback"
    scopes = tuple(PATIENT_SCOPES.split())
    code = grants.issue_code(
        client_id="alliance-patient",
        scopes=scopes,
        launch=Launch(user=f"Patient/{patient}", patient=patient, encounter=f"{patient}-v1"),
        nonce=None,
        redirect_uri=redirect,
        code_challenge=create_s256_code_challenge(VERIFIER),
    )
    issued = grants.redeem_code(code, client_id="alliance-patient", redirect_uri=redirect, verifier=VERIFIER)
    return {
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": 60,
        "scope": " ".join(issued.scopes),
    }


class SoakServer(SandboxServer):
    """The sandbox under gunicorn, with faults."""

    def __init__(self, config: SandboxConfig, port: int, *, share: float, seed: int, limit: float) -> None:
        self._faults = (share, seed, limit)
        self._site = config
        super().__init__(config, port)

    def load_config(self) -> None:
        """Take more requests at a time, because some wait on purpose."""
        super().load_config()
        self.cfg.set("threads", 24)

    def load(self) -> Flask:
        """Make the application and put the faults in front."""
        app = create_sandbox(self._site)
        app.extensions["sandbox_store"].load(json.loads(self._site.database.with_name("people.json").read_text()))
        grants: Grants = app.extensions["sandbox_grants"]
        share, seed, limit = self._faults
        late = Late(limit / 4)
        faulty = Faulty(app.wsgi_app, grants, Plan(share, seed), late=late, limit=limit)

        @app.get("/soak/tokens/<patient>")
        def tokens(patient: str) -> ResponseReturnValue:
            return jsonify(tokens_for(grants, patient))

        @app.get("/soak/faults")
        def faults() -> ResponseReturnValue:
            late.settle()
            return jsonify(faults=faulty.counted, posts=Counter(faulty.sent))

        app.wsgi_app = faulty  # type: ignore[method-assign]  # as Flask's own documentation has it
        return app


def main(config: str, port: str, share: str, seed: str, limit: str) -> None:
    """Serve until a TERM."""
    settings = read_config(Path(config))
    SoakServer(settings, int(port), share=float(share), seed=int(seed), limit=float(limit)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
