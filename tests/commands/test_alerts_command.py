"""`fhir-alliance alerts list`: how far each alert has come, without names and answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import alerts, grants
from fhir_alliance.vault import Vault
from smart_app.cli import main
from smart_app.demo.site import write_site

if TYPE_CHECKING:
    from tests.mail_server import MailServer

OPENED = datetime(2026, 11, 12, 15, 42, 9, tzinfo=UTC)
CONFIGURED = """
[alerts]
recipients = ["on-call@clinic.example.invalid"]
escalation = ["head@clinic.example.invalid"]
acknowledge_within = 30
smtp_host = "localhost"
smtp_port = {port}
smtp_security = "none"
sender = "alliance@clinic.example.invalid"
"""


@pytest.fixture
def settings(tmp_path: Path, make_submission: Callable[..., Submission]) -> Path:
    """Write a site without [alerts] that has one alert, told and not acknowledged."""
    path = write_site(tmp_path, ehr_port=1, app_port=2).settings
    site = read_settings(path)
    engine = open_store(site.database)
    submission = make_submission({"9": "several-days"}, instrument=shipped().instrument("phq-9"), form="all")
    values = {"id": "g1", "ehr": "harbor", "client": "patient", "user": "u", "scopes": "", "access_token": b""}
    with transaction(engine) as connection:
        connection.execute(insert(grants).values(**values, expires_at=OPENED, created_at=OPENED))
    outbox = Outbox(engine, Vault.from_file(site.vault_key_file), lambda: OPENED)
    outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant="g1")
    with transaction(engine) as connection:
        connection.execute(alerts.update().values(notified_at=OPENED))
    engine.dispose()
    return path


def call(*arguments: str) -> Result:
    """Run one command in this process."""
    return CliRunner().invoke(main, list(arguments))


def configure(settings: Path, port: int) -> str:
    """Add alerts to a site; returns its settings file for the command line."""
    settings.write_text(settings.read_text() + CONFIGURED.format(port=port))
    return str(settings)


def test_alerts_are_listed_with_ids_and_times(settings: Path, mail_server: "MailServer") -> None:
    """Number, state, patient's id and times at the site are there; no name, no answer, no instrument."""
    done = call("alerts", "list", "--settings", configure(settings, mail_server.port))

    heading, line = done.stdout.splitlines()
    assert done.exit_code == 0, done.stderr
    assert heading.split()[:4] == ["alert", "state", "ehr", "patient"]
    assert line.split() == [
        "1", "notified", "harbor", "maria-lopez", "2026-11-12", "10:42", "2026-11-12", "10:42", "–", "–", "0", "–",
    ]  # fmt: skip


def test_a_mail_server_that_is_away_is_told(settings: Path, mail_server: "MailServer") -> None:
    """The list is printed all the same, then the fault, and the exit code is 1 for whoever watches it."""
    mail_server.stop()

    done = call("alerts", "list", "--settings", configure(settings, mail_server.port))

    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    assert f"the mail server localhost:{mail_server.port} does not take mail (unreachable)" in done.stderr


def test_a_site_without_alerts_is_told(settings: Path) -> None:
    """Alerts that were opened stay visible when somebody takes the configuration away, and it is said."""
    done = call("alerts", "list", "--settings", str(settings))

    assert done.exit_code == 1
    assert "notified" in done.stdout
    assert "alliance.toml has no [alerts]" in done.stderr


def test_a_database_that_cannot_be_read_is_told(settings: Path) -> None:
    """A damaged file is one sentence, not a stack."""
    (settings.parent / "alliance.db").write_bytes(b"not a database " * 100)

    done = call("alerts", "list", "--settings", str(settings))

    assert done.exit_code == 1
    assert done.stderr.startswith("store.refused")


def test_check_reads_the_settings(settings: Path) -> None:
    """With the site's settings the check knows its folder of words and whether it has alerts."""
    (settings.parent / "wording").mkdir()
    (settings.parent / "wording" / "wai-sr.en.yaml").write_text("instrument: wai-sr\n")
    text = settings.read_text()
    without = call("instruments", "check", "--settings", str(settings))
    settings.write_text('wording_folder = "wording"\n' + text + CONFIGURED.format(port=9))

    configured = call("instruments", "check", "--settings", str(settings))

    states = [
        next(line for line in done.stdout.splitlines() if line.startswith("phq-9")) for done in (without, configured)
    ]
    assert "needs alert workflow" in states[0]
    assert states[1].endswith("ready")
    assert (without.exit_code, configured.exit_code) == (0, 1)
    assert "wording/wai-sr.en.yaml:1: version: Missing data" in configured.stderr


def test_check_refuses_wrong_settings(settings: Path) -> None:
    """Every fault of the settings is a line, and nothing is listed."""
    settings.write_text(settings.read_text() + "colour = 1\n")

    done = call("instruments", "check", "--settings", str(settings))

    assert (done.exit_code, done.stdout) == (1, "")
    assert "colour: Unknown field." in done.stderr
