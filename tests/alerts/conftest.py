"""A site with alerts: its outbox, its book of alerts, its mail server on loopback, and a clock that stands still."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import Engine, insert, select
from structlog.testing import capture_logs

from fhir_alliance.alerts.book import AlertBook
from fhir_alliance.alerts.notifier import Notifier
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import AlertSettings, SiteSettings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import alert_attempts, grants
from fhir_alliance.vault import Vault

if TYPE_CHECKING:
    from tests.mail_server import MailServer

NOW = datetime(2026, 11, 12, 15, 42, 9, tzinfo=UTC)
SITE = SiteSettings(
    name="Harbor Clinic", crisis_line="988", someone_else="Front desk", time_zone=ZoneInfo("America/New_York")
)


@dataclass(kw_only=True)
class Desk:
    """Everything of one site that alerts need; its clock moves only when told."""

    engine: Engine
    vault: Vault
    folder: Path
    settings: AlertSettings
    make: Callable[..., Submission]
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.engine, self.vault, lambda: self.now)
        self.book = AlertBook(self.engine, self.vault, lambda: self.now)
        self.notifier = self.restarted()

    def restarted(self) -> Notifier:
        """Return a notifier that knows nothing but what is written down."""
        return Notifier(self.engine, self.settings, SITE, clock=lambda: self.now)

    def tell(self, **passed: float) -> int:
        """Let time pass, then send what is due; returns how many mails were tried."""
        self.now += timedelta(**passed)
        return self.notifier.tell_due(self.now)

    def answer(self, code: str = "several-days", *, number: int = 1, patient: str = "maria-lopez") -> Submission:
        """Accept a PHQ-9 whose item 9 has this answer, `skip`, or with "" none."""
        given = {str(item): "not-at-all" for item in range(1, 9)} | ({"9": code} if code not in ("", "skip") else {})
        submission = self.make(
            given,
            skipped=frozenset({"9"} if code == "skip" else ()),
            instrument=shipped().instrument("phq-9"),
            form="all",
            key=str(UUID(int=number)),
        )
        submission = replace(submission, patient=replace(submission.patient, id=patient))
        self.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant="g1")
        return submission

    def acknowledge(self, alert: int = 1, *, patient: str = "maria-lopez", user: str = "Practitioner/lee") -> None:
        """Take an alert on in a patient's chart."""
        self.book.acknowledge(alert, ehr="harbor", patient=patient, user=user, launch="launch-2", request_id="r1")

    def attempts(self) -> list[tuple[str, str | None]]:
        """Return kind and outcome of every mail that was written down."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(alert_attempts).order_by(alert_attempts.c.id)).all()
        return [(row.kind, row.outcome) for row in rows]

    def states(self) -> list[str]:
        """Return the state of every alert."""
        return [entry.state.value for entry in self.book.entries()]


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    """Catch what is logged."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def settings(mail_server: "MailServer") -> AlertSettings:
    """Return the settings of a site whose mail server is on this machine."""
    return AlertSettings(
        recipients=("on-call@clinic.example.invalid", "second@clinic.example.invalid"),
        escalation=("head@clinic.example.invalid",),
        acknowledge_within=timedelta(minutes=30),
        smtp_host="localhost",
        smtp_port=mail_server.port,
        smtp_security="none",
        sender="alliance@clinic.example.invalid",
        user="",
    )


@pytest.fixture
def desk(
    empty_store: str, tmp_path: Path, settings: AlertSettings, make_submission: Callable[..., Submission]
) -> Iterator[Desk]:
    """Open a site with an empty database and one permission to deliver with."""
    engine = open_store(empty_store)
    values: dict[str, Any] = {"id": "g1", "ehr": "harbor", "client": "patient", "patient": None, "user": "u"}
    times = {"expires_at": NOW, "created_at": NOW}
    with transaction(engine) as connection:
        connection.execute(insert(grants).values(**values, **times, scopes="", access_token=b""))
    vault = Vault(current="k1", keys={"k1": bytes(range(32))})
    yield Desk(engine=engine, vault=vault, folder=tmp_path, settings=settings, make=make_submission)
    engine.dispose()
