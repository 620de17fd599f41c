"""What tests of several areas share: the shipped instrument, and a submission made from chosen answers."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, event

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.submission import PatientShown, Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store
from smart_app.demo.run import running
from smart_app.demo.site import Site, write_site
from smart_app.publishing import publish_all
from tests.compiled import Compiled, Statements
from tests.memory import in_memory
from tests.ports import own_port

from . import postgres
from .mail_server import MailServer

KEY = "7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10"
NEW_YORK = timezone(timedelta(hours=-5))
STATEMENTS = Statements()
Flask.jinja_options = {"bytecode_cache": Compiled()}
if folder := in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))  # where `tmp_path` is


@event.listens_for(Engine, "engine_connect")
def share_statements(connection: Connection) -> None:
    """Let the databases of all tests compile a statement only once between them."""
    connection.execution_options(compiled_cache=STATEMENTS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the fault bench run in full."""
    parser.addoption("--write-golden", action="store_true", help="Keep a full outbox of this release, to be replayed.")
    parser.addoption("--long", action="store_true", help="The fault bench in full: all crash points, long loops.")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the fault bench runs in full."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def check_in() -> Instrument:
    """Return the shipped visit check-in."""
    return shipped().instrument("visit-check-in")


@pytest.fixture(scope="session")
def make_submission(check_in: Instrument) -> Callable[..., Submission]:
    """Make a submission, of the visit check-in unless said otherwise, from chosen answers; any field can be changed."""

    def make(
        given: Mapping[str, str] | None = None,
        *,
        skipped: frozenset[str] = frozenset(),
        rater: Rater = Rater.PATIENT,
        form: str = "core",
        instrument: Instrument = check_in,
        **fields: Any,
    ) -> Submission:
        chosen = {str(item): "7" for item in range(1, 7)} if given is None else given
        asked = instrument.form(rater, form)
        answers = Answers(given=chosen, skipped=skipped)
        values: dict[str, Any] = {
            "key": KEY,
            "ehr": "harbor",
            "instrument": instrument,
            "form": asked,
            "patient": PatientShown(
                id="maria-lopez",
                name="Maria Lopez",
                birth_date="1988-03-04",
                identifiers=(("urn:oid:2.16.840.1.113883.19.5", "MRN-4821"),),
            ),
            "encounter": "Encounter/maria-lopez-v14",
            "therapist": "Practitioner/ada-okafor",
            "source": "Patient/maria-lopez" if rater is Rater.PATIENT else "Practitioner/ada-okafor",
            "author": "Patient/maria-lopez" if rater is Rater.PATIENT else "Practitioner/ada-okafor",
            "launch": "launch-1",
            "answers": answers,
            "declined": False,
            "scores": Scorer(asked).score(answers),
            "authored": datetime(2026, 11, 12, 10, 42, 7, tzinfo=NEW_YORK),
            "scored": datetime(2026, 11, 12, 15, 42, 8, tzinfo=UTC),
            "language": "en",
            "audience_digest": "0" * 64,
        }
        return Submission(**{**values, **fields})

    return make


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Cluster]:
    """Run a PostgreSQL server for the tests of this process."""
    with postgres.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated, empty SQLite database, made once to be copied."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    open_store(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture(scope="session")
def empty_template(postgresql: postgres.Cluster) -> str:
    """Return the name of a migrated, empty PostgreSQL database, made once to be copied."""
    address = postgresql.database()
    open_store(address).dispose()
    return postgres.name_in(address)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a migrated, empty database of its own: each test that asks for it holds on both."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_file"), tmp_path / "alliance.db")
        yield f"sqlite:///{tmp_path / 'alliance.db'}"
        return
    cluster: postgres.Cluster = request.getfixturevalue("postgresql")
    address = cluster.database(request.getfixturevalue("empty_template"))
    yield address
    cluster.drop(address)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Run a mail server on loopback."""
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run the app and the sandbox EHR as processes, with the forms published; shared by all tests that only add."""
    folder = tmp_path_factory.mktemp("site")
    found = write_site(folder, ehr_port=own_port(), app_port=own_port())
    with running(found):
        list(publish_all(read_settings(found.settings)))
        yield found
