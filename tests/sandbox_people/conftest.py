"""What the tests of the synthetic people and the chart pages share."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import SandboxClient, SandboxConfig
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.people.population import population

TODAY = date(2026, 11, 24)
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
SignIn = Callable[[FlaskClient, str], None]

APPS = (
    SandboxClient(
        client_id="chart-app",
        name="Chart app",
        scopes="launch openid fhirUser",
        grant_types=("authorization_code",),
        redirect_uris=("https://app.example.invalid/callback",),
        launch_url="https://app.example.invalid/launch",
    ),
    SandboxClient(
        client_id="home-app",
        name="Home app",
        scopes="launch/patient openid fhirUser",
        grant_types=("authorization_code",),
        redirect_uris=("https://home.example.invalid/callback",),
        start_url="https://home.example.invalid/start?iss=here",
    ),
    SandboxClient(client_id="backend", name="Backend", scopes="system/Patient.r", grant_types=("client_credentials",)),
)


@pytest.fixture(scope="session")
def record() -> list[dict[str, Any]]:
    """Make the synthetic record of one day; tests only read it."""
    return population(TODAY)


@pytest.fixture(scope="session")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Make a sandbox with the synthetic people; tests only read it."""
    yield from _sandbox(tmp_path_factory.mktemp("populated"), populate=True)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Any]:
    """Make a sandbox without anybody."""
    yield from _sandbox(tmp_path, populate=False)


@pytest.fixture
def client(populated: Any) -> FlaskClient:
    """Put a fresh browser in front of the populated sandbox."""
    return populated.test_client()


@pytest.fixture
def empty_store(empty: Any) -> ResourceStore:
    """Return the store of the empty sandbox."""
    return empty.extensions["sandbox_store"]


@pytest.fixture
def sign_in() -> SignIn:
    """Sign a browser in through the form, as a person does."""
    return _sign_in


def _sign_in(browser: FlaskClient, user: str) -> None:
    token = TOKEN.search(browser.get("/").text)
    assert token is not None
    answer = browser.post("/sign-in", data={"user": user, "form_token": token[1]})
    assert answer.status_code == 303


def _sandbox(folder: Path, *, populate: bool) -> Iterator[Any]:
    config = SandboxConfig(
        base_url="http://ehr.example.invalid",
        database=folder / "sandbox.db",
        clients=APPS,
        today=TODAY,
        populate=populate,
    )
    app = create_sandbox(config)
    yield app
    app.extensions["sandbox_store"].close()
