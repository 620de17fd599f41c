"""The bench for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fhir_alliance.records.submission import Submission
from smart_app.demo.site import write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config

from .bench import Bench, open_bench


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill the EHR's record once; every bench begins with a copy."""
    folder = tmp_path_factory.mktemp("record")
    ehr = create_sandbox(read_config(write_site(folder, ehr_port=1, app_port=2).sandbox))
    ehr.extensions["sandbox_store"].close()
    return folder / "sandbox.db"


@pytest.fixture
def bench(tmp_path: Path, record: Path, make_submission: Callable[..., Submission]) -> Iterator[Bench]:
    """Set a bench up with an SQLite store."""
    with open_bench(tmp_path, record, make_submission) as opened:
        yield opened
