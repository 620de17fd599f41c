"""`[ehr.NAME.harvest]`: how often responses of others are looked for."""

from datetime import timedelta
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import HarvestSettings, read_settings
from smart_app.demo.site import write_site


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a working site; returns its settings file."""
    return write_site(tmp_path, ehr_port=18080, app_port=18081).settings


def add(file: Path, harvest: str) -> None:
    """Let the site harvest as said."""
    file.write_text(f"{file.read_text()}\n[ehr.harbor.harvest]\n{harvest}\n")


def test_off_until_a_site_says_how_often(file: Path) -> None:
    """Without the table nobody looks; with it visits of others are left out unless the site says otherwise."""
    before = read_settings(file).ehrs["harbor"].harvest
    add(file, "every_minutes = 15")

    assert before is None
    assert read_settings(file).ehrs["harbor"].harvest == HarvestSettings(every=timedelta(minutes=15))


@pytest.mark.parametrize(
    ("harvest", "fault"),
    [
        ("", "ehr.harbor.harvest.every_minutes"),
        ("every_minutes = 0", "ehr.harbor.harvest.every_minutes"),
        ('every_minutes = 15\nforeign_visit = "keep"', "ehr.harbor.harvest.foreign_visit"),
        ('every_minutes = 15\n[ehr.harbor.write]\nrung = "hold"\nkeep_days = 9', "is for rung observations only"),
    ],
)
def test_faults(file: Path, harvest: str, fault: str) -> None:
    """Half a table, and a rung that takes no whole Observations, are faults that name their place."""
    add(file, harvest)

    with pytest.raises(InvalidSettings) as caught:
        read_settings(file)

    assert fault in caught.value.faults[0]


def test_backend_client_is_needed(file: Path) -> None:
    """Nobody else is there to look, so a backend client is needed."""
    file.write_text(file.read_text().partition("[ehr.harbor.backend]")[0])
    add(file, "every_minutes = 15")

    with pytest.raises(InvalidSettings, match="needs a backend client"):
        read_settings(file)
