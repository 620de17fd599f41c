"""A database from a backup: what had left before the loss is found in the chart, and not written twice (T84)."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from fhir_alliance.audit import Event
from fhir_alliance.tables import audit, submissions
from smart_app.cli import main

from .house import CORE, MARIA, House

LATER = timedelta(seconds=40)  # more than the quiet time; four of them are less than a token lives
WRITTEN = ("QuestionnaireResponse", "Observation", "DocumentReference")


def accept(house: House) -> None:
    """Let a patient answer and send the short form."""
    person, form = house.handed()
    review = person.submit(form, form.form("/form"), **CORE)
    person.submit(review, review.form("/send"))


def database(house: House) -> str:
    """Return the path of the app's database."""
    return urlsplit(house.services.settings.database).path.removeprefix("/")


def copy(source: str | Path, target: str | Path) -> None:
    """Copy a database that may be in use, as `sqlite3 SOURCE .backup TARGET` does."""
    with sqlite3.connect(source) as before, sqlite3.connect(target) as after:
        before.backup(after)


def in_chart(house: House) -> Counter[str]:
    """Return how many resources of each kind the patient's chart holds."""
    store = house.ehr.extensions["sandbox_store"]
    about = [("patient", MARIA), ("_count", "1")]
    return Counter({kind: store.search(kind, about).total for kind in WRITTEN})


def restored(house: House, backup: Path) -> str:
    """Put the backup in the place of the database, and say so; returns what the command says."""
    copy(backup, database(house))
    done = CliRunner().invoke(main, ["outbox", "restored", "--settings", str(house.site.settings), "--by", "Jo Park"])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def deliver_all(house: House) -> list[str]:
    """Let everything be tried until long after the quiet time; returns the states of all submissions."""
    for _ in range(4):
        house.ahead += LATER
        house.deliver()
    return [row["state"] for row in house.rows(submissions)]


@pytest.mark.parametrize("profile", ["generous", "flowsheet", "notes-only"])
def test_what_had_left_is_found_and_not_sent_again(
    open_at: Callable[[str], House], tmp_path: Path, profile: str
) -> None:
    """A form that was delivered after the backup was made is delivered again in name only: the chart stays as it is."""
    house, backup = open_at(profile), tmp_path / "backup.db"
    accept(house)
    copy(database(house), backup)
    before = in_chart(house)
    house.deliver()
    there = in_chart(house)

    said = restored(house, backup)
    states = deliver_all(house)

    assert there.total() > before.total()
    assert said.startswith("1 forms and filed pages are looked for")
    assert (states, in_chart(house)) == (["delivered"], there)


def test_what_had_not_left_is_sent(open_at: Callable[[str], House], tmp_path: Path) -> None:
    """What the chart does not have after the quiet time is written once; the audit trail says who restored."""
    house, backup = open_at("notes-only"), tmp_path / "backup.db"
    accept(house)
    copy(database(house), backup)
    before = in_chart(house)

    restored(house, backup)
    restored(house, backup)
    states = deliver_all(house)

    told = [row["actor"] for row in house.rows(audit) if row["event"] == Event.SUBMISSION_DOUBTED]
    assert (states, in_chart(house) - before) == (["delivered"], Counter(DocumentReference=1))
    assert told == ["Jo Park"]
