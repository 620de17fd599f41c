"""The daily look at what each EHR states: two reads, a change said once, and no clock but the one given."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, select
from structlog.testing import capture_logs

from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.watch import Watch
from fhir_alliance.errors import StoreError
from fhir_alliance.settings import read_settings
from fhir_alliance.tables import audit, ehr_findings

if TYPE_CHECKING:
    from tests.doctor.conftest import Running

Make = Callable[[str], "Running"]
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
READS = [("GET", "/fhir/.well-known/smart-configuration"), ("GET", "/fhir/metadata")]


@pytest.fixture(autouse=True)
def log() -> Iterator[list[Any]]:
    """Catch what is logged."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def running(make_running: Make) -> "Running":
    """Start a generous EHR."""
    return make_running("generous")


@pytest.fixture
def engine(running: "Running") -> Iterator[Engine]:
    """Open the site's store."""
    engine = running.database()
    yield engine
    engine.dispose()


@pytest.fixture
def watch(running: "Running", engine: Engine) -> Watch:
    """Return the watch of the site, not started."""
    settings = read_settings(running.site.settings)
    return Watch(engine, Registry(settings), settings.ehrs, clock=lambda: START)


def asked(running: "Running") -> list[tuple[str, str]]:
    """Return what the EHR was asked."""
    return [(call[0], call[1]) for call in running.traffic]


def test_an_ehr_is_read_once_a_day(running: "Running", watch: Watch) -> None:
    """Nothing known is read at once, then again after a day; never is anything asked for but the two statements."""
    read = [watch.check_due(START + timedelta(hours=hours)) for hours in (0, 23, 24, 25)]

    assert read == [1, 0, 1, 0]
    assert asked(running) == READS * 2


def test_a_change_is_logged_audited_and_told(running: "Running", watch: Watch, engine: Engine, log: list[Any]) -> None:
    """What the EHR has stopped to state is said once, in the log, in the audit trail and by doctor with its day."""
    watch.check_due(START)
    running.become("notes-only")
    watch.check_due(START + timedelta(days=1))
    watch.check_due(START + timedelta(days=2))

    told = " ".join(running.doctor("--last").split())

    (change,) = [entry for entry in log if entry["event"] == "ehr.changed"]
    with engine.connect() as connection:
        events = connection.execute(select(audit.c.event, audit.c.actor, audit.c.ehr, audit.c.outcome)).all()
    assert change["code"] == "allows-less"
    assert "QuestionnaireResponse create is gone" in change["detail"]
    assert events == [("ehr.changed", "watch", "harbor", "allows-less")]
    assert "as it was on 4 November 2026" in told
    assert "Changed since 3 November 2026: " in told


def test_a_gain_is_no_loss(running: "Running", watch: Watch, log: list[Any]) -> None:
    """An EHR that states more than before is told apart from one that states less."""
    running.become("notes-only")
    watch.check_due(START)
    running.become("generous")

    watch.check_due(START + timedelta(days=1))

    assert [entry["code"] for entry in log if entry["event"] == "ehr.changed"] == ["allows-more"]


def test_an_ehr_that_cannot_be_read(running: "Running", watch: Watch, engine: Engine, log: list[Any]) -> None:
    """No answer is no change: what was known stays, and it is tried again after an hour, not before."""
    watch.check_due(START)
    running.stop()
    late = START + timedelta(days=1)

    read = [watch.check_due(late + timedelta(minutes=minutes)) for minutes in (0, 30, 60)]
    running.start()
    again = watch.check_due(late + timedelta(hours=2))

    assert (read, again) == ([0, 0, 0], 1)
    assert [entry["event"] for entry in log] == ["ehr.unread", "ehr.unread"]
    with engine.connect() as connection:
        assert len(connection.execute(select(ehr_findings)).all()) == 1


def test_the_thread_checks_at_once_and_ends(running: "Running", watch: Watch) -> None:
    """Started, it reads what is due without being told; stopped, it ends, and a second stop is harmless."""
    seen = threading.Event()
    running.on_request(lambda path: seen.set() if path == "/fhir/metadata" else None)

    watch.start()
    told = seen.wait(10)
    watch.stop()
    watch.stop()

    assert told
    assert asked(running) == READS


@pytest.mark.parametrize(
    ("error", "code"), [(StoreError("full"), "store.refused"), (RuntimeError("Maria Lopez"), "RuntimeError")]
)
def test_the_thread_survives_whatever_goes_wrong(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, log: list[Any], error: Exception, code: str
) -> None:
    """A database that refuses, or a fault, is said in the log by its kind; the thread goes on until it is stopped."""
    refused = threading.Event()

    def refuse(_: datetime) -> int:
        refused.set()
        raise error

    monkeypatch.setattr(watch, "check_due", refuse)

    watch.start()
    told = refused.wait(10)
    watch.stop()

    assert told
    assert {"event": "watch.paused", "code": code, "log_level": "error"} in log
