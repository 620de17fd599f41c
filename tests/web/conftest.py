"""Houses for the web tests: one that tests only add to, and new ones where a clock, a server or a setting changes."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog

from smart_app.demo.site import write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from smart_app.sandbox.people.visits import CLINIC_TIME
from tests.ports import own_port

from .house import House, open_house

MakeHouse = Callable[..., House]


@pytest.fixture(scope="session")
def record_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return what gives the record of an EHR of a kind as it is today at the clinic, made once to be copied.

    Whoever runs the tests over the clinic's midnight needs another record: the visits of today are of the day before.
    """

    @cache
    def made(profile: str, _: date) -> Path:
        folder = tmp_path_factory.mktemp("record")
        ehr = create_sandbox(read_config(write_site(folder, ehr_port=1, app_port=2, profile=profile).sandbox))
        ehr.extensions["sandbox_store"].close()
        return folder / "sandbox.db"

    return lambda profile="generous": made(profile, datetime.now(CLINIC_TIME).date())


@pytest.fixture(scope="session")
def opener(record_of: Callable[..., Path], empty_file: Path) -> Callable[..., AbstractContextManager[House]]:
    """Return what opens a house in a folder, with copies of a migrated database and of the EHR's record."""

    def opened(folder: Path, **options: Any) -> AbstractContextManager[House]:
        shutil.copy(empty_file, folder / "alliance.db")
        return open_house(folder, record_of(), **options)

    return opened


@pytest.fixture(scope="module")
def house(
    opener: Callable[..., AbstractContextManager[House]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Open the house that a module's tests share: they add to it, and never touch its clock or its servers."""
    with opener(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture
def make_house(opener: Callable[..., AbstractContextManager[House]], tmp_path: Path) -> Iterator[MakeHouse]:
    """Open houses of one test's own."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(opener(tmp_path, **options))


@pytest.fixture
def own(make_house: MakeHouse) -> House:
    """Open a house for one test, which may stop its EHR and turn its clock."""
    return make_house()


@pytest.fixture
def open_at(record_of: Callable[..., Path], empty_file: Path, tmp_path: Path) -> Iterator[Callable[[str], House]]:
    """Open houses at EHRs of a kind."""
    houses = []

    def make(profile: str) -> House:
        folder = tmp_path / profile
        folder.mkdir()
        ehr_port, app_port = own_port(), own_port()
        site = write_site(folder, ehr_port=ehr_port, app_port=app_port, profile=profile)
        shutil.copy(empty_file, folder / "alliance.db")
        houses.append(House(site, record_of(profile)))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[list[dict[str, str]]]:
    """Catch what the app logs; tests that read it name this fixture."""
    with structlog.testing.capture_logs() as entries:
        yield entries
