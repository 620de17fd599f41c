"""`[ehr.NAME.visits]`: how often an EHR's visits are looked through."""

from datetime import timedelta
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import VisitSettings, read_settings
from smart_app.demo.site import write_site


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a working site; returns its settings file."""
    return write_site(tmp_path, ehr_port=18080, app_port=18081).settings


def add(file: Path, visits: str) -> None:
    """Let the site's visits be looked through as said."""
    file.write_text(f"{file.read_text()}\n[ehr.harbor.visits]\n{visits}\n")


def test_off_until_a_site_says_how_often(file: Path) -> None:
    """Without the table no visit is searched for; with it Encounters of the coming day are."""
    before = read_settings(file).ehrs["harbor"].visits
    add(file, "poll_minutes = 10")

    assert before is None
    assert read_settings(file).ehrs["harbor"].visits == VisitSettings(
        every=timedelta(minutes=10), ahead=timedelta(hours=24), search="Encounter"
    )


@pytest.mark.parametrize(
    ("visits", "fault"),
    [
        ("", "ehr.harbor.visits.poll_minutes"),
        ("poll_minutes = 0", "ehr.harbor.visits.poll_minutes"),
        ("poll_minutes = 10\nahead_hours = -1", "ehr.harbor.visits.ahead_hours"),
        ('poll_minutes = 10\nsearch = "Slot"', "ehr.harbor.visits.search"),
    ],
)
def test_faults(file: Path, visits: str, fault: str) -> None:
    """What cannot be looked for is a fault that names its place."""
    add(file, visits)

    with pytest.raises(InvalidSettings) as caught:
        read_settings(file)

    assert fault in caught.value.faults[0]


def test_backend_client_is_needed(file: Path) -> None:
    """Nobody else is there to look, so a backend client is needed."""
    file.write_text(file.read_text().partition("[ehr.harbor.backend]")[0])
    add(file, "poll_minutes = 10")

    with pytest.raises(InvalidSettings, match="needs a backend client"):
        read_settings(file)
