"""`[ehr.NAME.readers]`: what a site attests of who else reads survey results, whole or not at all."""

from datetime import date
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import ChartReaders, Readers, Shown, read_settings
from smart_app.demo.site import write_site

TABLE = """
[ehr.harbor.readers]
patient_portal = "shown"
proxies = "hidden"
chart_readers = "care-team"
attested_by = "Jo Park, EHR team"
attested_on = 2026-11-24
"""


def read(folder: Path, table: str) -> Readers | None:
    """Read the settings of a site with this table."""
    path = write_site(folder, ehr_port=18080, app_port=18081).settings
    path.write_text(path.read_text() + table)
    return read_settings(path).ehrs["harbor"].readers


def test_an_attestation_is_read(tmp_path: Path) -> None:
    """Each value comes out as written."""
    assert read(tmp_path, TABLE) == Readers(
        patient_portal=Shown.SHOWN,
        proxies=Shown.HIDDEN,
        chart_readers=ChartReaders.CARE_TEAM,
        attested_by="Jo Park, EHR team",
        attested_on=date(2026, 11, 24),
    )


def test_without_the_table_nothing_is_attested(tmp_path: Path) -> None:
    """A site that says nothing attests nothing."""
    assert read(tmp_path, "") is None


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"shown"', '"sometimes"', "patient_portal: Must be one of: shown, hidden."),
        ('"hidden"', "false", "proxies: Must be one of: shown, hidden."),
        ("2026-11-24", '"2026-11-24"', "attested_on: must be a date such as 2026-11-24, without quotes"),
        ("2026-11-24", "2026-11-24T10:00:00Z", "attested_on: must be a date such as 2026-11-24, without quotes"),
        ('"Jo Park, EHR team"', '""', "attested_by: "),
        ('proxies = "hidden"\n', "", "proxies: Missing data for required field."),
        ("proxies", "parents", "parents: Unknown field."),
    ],
)
def test_half_an_attestation_is_a_fault(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """What is missing, misspelt or no date is told, not guessed."""
    with pytest.raises(InvalidSettings) as caught:
        read(tmp_path, TABLE.replace(old, new))

    assert any(fault in each for each in caught.value.faults)
