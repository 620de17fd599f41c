"""What stops doctor, and what does not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fhir_alliance.settings import read_settings
from smart_app.doctor.asking import examine

if TYPE_CHECKING:
    from tests.doctor.conftest import Running

Make = Callable[[str], "Running"]


@pytest.fixture
def running(make_running: Make) -> Iterator["Running"]:
    """Start a generous EHR."""
    return make_running("generous")


@pytest.mark.parametrize("said", [("<html>", 200), ('{"resourceType": "Patient"}', 200), ("{}", 500)])
def test_no_capability_statement(running: "Running", said: Any) -> None:
    """Without a CapabilityStatement there is no table, but a reason, and nothing is kept."""
    running.answer("/fhir/metadata", *said)

    result = running.call("doctor", "--ehr", "harbor")

    assert result.exit_code == 1
    assert "could not be asked" in result.output
    assert "Nothing is known" in running.doctor("--last")


def test_a_clock_that_differs(running: "Running") -> None:
    """The table says that proofs will be refused, and what to do; what the backend client may do is not known then."""
    settings = read_settings(running.site.settings)

    lines = examine(settings, settings.ehrs["harbor"], now=datetime.now(UTC) + timedelta(minutes=10))

    assert "clock as ours                      no   signed proofs are refused; set the clock right (S44)" in lines
    line = next(line for line in lines if line.startswith("Questionnaire "))
    assert line[40:73].split() == ["?", "?", "?"]


def test_refused_backend_client(running: "Running") -> None:
    """A backend client that the EHR refuses does not stop the table: its scopes are unknown."""
    settings = running.site.settings
    settings.write_text(settings.read_text().replace('"alliance-backend"', '"somebody"'))

    output = running.doctor()

    line = next(line for line in output.splitlines() if line.startswith("Questionnaire "))
    assert line[40:73].split() == ["?", "?", "?"]


def test_backend_key_that_cannot_sign(running: "Running") -> None:
    """A key file that holds no key is told as a fault of the site."""
    (running.site.settings.parent / "backend.jwk").write_text("{}")

    result = running.call("doctor", "--ehr", "harbor")

    assert result.exit_code == 1
    assert "backend.jwk" in result.output


def test_without_any_client(running: "Running") -> None:
    """Without clients there is nothing to be known of scopes, and no token is asked for."""
    settings = running.site.settings
    settings.write_text(settings.read_text().partition("[ehr.harbor.clinician]")[0])

    output = running.doctor()

    line = next(line for line in output.splitlines() if line.startswith("Questionnaire "))
    assert line[40:73].split() == ["-", "-", "-"]
    assert {call[0] for call in running.traffic} == {"GET"}


def test_unknown_ehr(running: "Running") -> None:
    """An EHR that the settings do not name is said to be missing."""
    result = running.call("doctor", "--ehr", "lake")

    assert result.exit_code == 1
    assert "There is no [ehr.lake]" in result.output


def test_database_that_is_damaged(running: "Running") -> None:
    """A store that cannot be opened ends with its own sentence."""
    (running.site.settings.parent / "alliance.db").write_bytes(b"no database at all" * 100)

    result = running.call("doctor", "--ehr", "harbor")

    assert result.exit_code == 1
    assert "store" in result.output
