"""A full outbox of each release, kept as a file: the program of today sends what was accepted then, byte for byte.

For a new release, once its version is written down: `pytest tests/delivery/test_golden_rows.py --write-golden`.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from fhir_alliance.delivery.queue import Queue
from fhir_alliance.instruments.words import Rater

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
GOLDEN = Path(__file__).parents[1] / "faults" / "golden"
NOWHERE = "http://ehr.example.invalid"
OMAR = "omar-haddad"

pytestmark = pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)


@pytest.mark.parametrize("rows", sorted(GOLDEN.glob("*.sql")), ids=lambda path: path.stem)
def test_f41_rows_of_a_release_are_sent_as_they_would_have_been(
    rows: Path, empty_store: str, make_site: Callable[..., "Site"], ehr: "FakeEhr"
) -> None:
    """The database of then is brought up to date, and every request is what that release sent itself."""
    path = Path(empty_store.removeprefix("sqlite:///"))
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.executescript(rows.read_text("utf-8").replace(NOWHERE, ehr.origin))
    connection.close()
    put_omar(ehr)
    site = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")

    site.deliver(minutes=6)

    assert ehr.bodies == json.loads(rows.with_suffix(".json").read_text("utf-8"))


def test_f41_this_release_has_its_rows(
    empty_store: str,
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    make_submission: Callable[..., Any],
    make_fault: Callable[..., Any],
    pytestconfig: pytest.Config,
) -> None:
    """Forms that wait, are unknown and are leased go into the file of this release, when asked for; it is there."""
    fill(site, ehr, accept, make_submission, make_fault)
    rows = dump(Path(empty_store.removeprefix("sqlite:///"))).replace(ehr.origin, NOWHERE)
    ehr.bodies.clear()
    kept = GOLDEN / f"{version('fhir-alliance')}.sql"

    site.deliver(minutes=6)
    if pytestconfig.getoption("--write-golden"):
        kept.write_text(rows, "utf-8")
        kept.with_suffix(".json").write_text(json.dumps(ehr.bodies, indent=1) + "\n", "utf-8")

    assert len(ehr.bodies) == 5
    assert kept.exists()


def fill(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_submission: Callable[..., Any], make_fault: Callable[..., Any]
) -> None:
    """Accept one form of each kind; the first is sent with an unknown outcome, the last is leased by nobody alive."""
    put_omar(ehr)
    accept(key=str(UUID(int=1)))
    ehr.faults.append(make_fault(status=None))
    site.deliver()
    therapist = {"given": {"1": "7", "2": "8", "3": "6", "4": "7", "5": "9", "6": "8"}, "rater": Rater.THERAPIST}
    accept(key=str(UUID(int=2)), form="core", **therapist)
    accept(key=str(UUID(int=3)), form="core", given={"1": "7"}, skipped=frozenset({"2", "3"}))
    accept(key=str(UUID(int=4)), form="core", given={}, declined=True, scores=())
    accept(key=str(UUID(int=5)), encounter=None, patient=replace(make_submission().patient, id=OMAR))
    leased = Queue(site.engine, site.vault).lease(site.clock.now)
    assert leased is not None
    assert leased.patient == OMAR


def dump(path: Path) -> str:
    """Return the statements that make a database anew."""
    with sqlite3.connect(path) as connection:
        statements = "\n".join(connection.iterdump())
    connection.close()
    return statements + "\n"


def put_omar(ehr: "FakeEhr") -> None:
    """Let the EHR know a second patient."""
    ehr.put({**ehr.resources["Patient"]["maria-lopez"], "id": OMAR})
