"""The part [operations] of alliance.toml: who is told when forms wait, and the secret for the figures."""

from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import OperationsSettings, Settings, metrics_token, read_settings
from smart_app.demo.site import write_site

ALERTS = """
[alerts]
recipients = ["on-call@clinic.example.invalid"]
escalation = ["head@clinic.example.invalid"]
acknowledge_within = 30
smtp_host = "localhost"
smtp_port = 25
smtp_security = "none"
sender = "alliance@clinic.example.invalid"
"""
TOKEN = "a-token-that-is-long-enough-to-be-one"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a working site with a token in a private file."""
    write_site(tmp_path, ehr_port=18080, app_port=18081)
    (tmp_path / "metrics.token").write_text(f"{TOKEN}\n")
    (tmp_path / "metrics.token").chmod(0o600)
    return tmp_path


def read(folder: Path, *lines: str, more: str = "") -> Settings:
    """Read the settings with such a part."""
    path = folder / "alliance.toml"
    path.write_text("\n".join([path.read_text(), more, "[operations]", *lines, ""]))
    return read_settings(path)


def test_nothing_is_assumed(folder: Path) -> None:
    """Without the part nobody is mailed and nobody reads figures."""
    found = read_settings(folder / "alliance.toml").operations

    assert found == OperationsSettings()
    assert metrics_token(found) is None


def test_it_is_read_whole(folder: Path) -> None:
    """Addresses and token come out as written; where the token is, is not printed."""
    lines = ('alarm_recipients = ["it@clinic.example.invalid"]', 'metrics_token_file = "metrics.token"')

    found = read(folder, *lines, more=ALERTS).operations

    assert found.alarm_recipients == ("it@clinic.example.invalid",)
    assert metrics_token(found) == TOKEN
    assert "metrics.token" not in repr(found)


def test_the_token_may_be_in_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a client's secret may."""
    monkeypatch.setenv("ALLIANCE_METRICS", TOKEN)

    assert metrics_token(read(folder, 'metrics_token_variable = "ALLIANCE_METRICS"').operations) == TOKEN


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (['alarm_recipients = ["it@clinic.example.invalid"]'], "are mailed by the server of [alerts]: add it"),
        (['alarm_recipients = ["nobody"]'], "Not a valid email address."),
        (['metrics_token_file = "none.token"'], "none.token: this key file does not exist"),
        (['metrics_token_file = "open.token"'], "open.token: others can read this key file"),
        (['metrics_token_file = "short.token"'], "operations: the metrics token needs 32 characters or more"),
        (['metrics_token_variable = "NOT_SET_HERE"'], "environment variable NOT_SET_HERE: must hold one secret"),
        (['metrics_token_variable = "not a name"'], "is not the name of a variable"),
        (['metrics_token_file = "metrics.token"', 'metrics_token_variable = "A"'], "in a file or in a variable"),
        (["colour = 1"], "Unknown field."),
    ],
)
def test_what_cannot_work_is_refused(folder: Path, lines: list[str], fault: str) -> None:
    """Each fault is told with its place, before anything starts."""
    (folder / "open.token").write_text(TOKEN)
    (folder / "open.token").chmod(0o644)
    (folder / "short.token").write_text("short")
    (folder / "short.token").chmod(0o600)

    with pytest.raises(InvalidSettings) as caught:
        read(folder, *lines)

    assert any(fault in each for each in caught.value.faults), caught.value.faults
