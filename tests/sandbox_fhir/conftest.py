"""A FHIR server of its own for each test: a real store in a file, and tokens that name their scopes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.access import Access
from smart_app.sandbox.fhir.rest import blueprint
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.traffic import log_traffic

from .samples import BASE, PEOPLE, SEARCHED


class Caller:
    """A client of the server: one token, JSON bodies, paths below the base."""

    def __init__(self, app: Flask, token: str | None) -> None:
        self._client = app.test_client()
        self._token = token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a request; a body that is not bytes is sent as JSON, `If_Match` stands for the header If-Match."""
        sent = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        sent |= {"Content-Type": "application/fhir+json"} if body is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self._client.open(f"/fhir{path}", method=method, data=data, headers=sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Read or search."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        """Create, or carry out a bundle."""
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> TestResponse:
        """Update."""
        return self.send("PUT", path, body, **headers)

    def ids(self, path: str) -> list[str]:
        """Search and return the ids found, in order."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return [entry["resource"]["id"] for entry in response.json.get("entry", [])]


def problem(response: TestResponse) -> tuple[int, str]:
    """Return the status of an error and the issue code of its OperationOutcome."""
    assert response.json["resourceType"] == "OperationOutcome"
    return response.status_code, response.json["issue"][0]["code"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResourceStore]:
    """Yield a store that knows two patients, a practitioner and an encounter."""
    store = ResourceStore(tmp_path / "ehr.sqlite", fhir_base=BASE)
    store.load(PEOPLE)
    yield store
    store.close()


@pytest.fixture
def filled(store: ResourceStore) -> None:
    """Fill the store with a few Observations and forms to search for."""
    store.load(SEARCHED)


@pytest.fixture
def grants() -> dict[str, Access]:
    """Return the live tokens."""
    return {}


@pytest.fixture
def app(store: ResourceStore, tmp_path: Path, grants: dict[str, Access]) -> Flask:
    """Return a Flask application with nothing but the FHIR server."""
    config = SandboxConfig(base_url=BASE.removesuffix("/fhir"), database=tmp_path / "ehr.sqlite", clients=())
    app = Flask(__name__)
    log_traffic(app)
    app.register_blueprint(blueprint(store, config, grants.get), url_prefix="/fhir")
    return app


@pytest.fixture
def caller(app: Flask, grants: dict[str, Access]) -> Callable[..., Caller]:
    """Return a maker of callers: scopes as one string, and who is in context."""

    def make(scopes: str, *, patient: str | None = None, user: str | None = None) -> Caller:
        token = f"token-{len(grants)}"
        grants[token] = Access(
            client_id="app", scopes=tuple(scopes.split()), patient=patient, encounter=None, user=user
        )
        return Caller(app, token)

    return make


@pytest.fixture
def ehr(caller: Callable[..., Caller]) -> Caller:
    """Return a caller that may do everything."""
    return caller("system/*.cruds")
