"""`[ehr.NAME.write]`: the rung of the write ladder, and the reviewed mapping to a customer's flowsheet rows."""

from datetime import timedelta
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import FlowsheetRow, NoteType, Rung, WriteSettings, mapping_gaps, read_settings

HEADER = "score,system,code,display,unit\n"
ROW = "visit-check-in-core,urn:oid:2.999.1,4711,Alliance core,score\n"


def read(folder: Path, write: str, mapping: str | None = None) -> WriteSettings:
    """Read the settings of a site that writes as said."""
    path = folder / "alliance.toml"
    path.write_text(f"{path.read_text()}\n[ehr.harbor.write]\n{write}\n")
    if mapping is not None:
        (folder / "flowsheet.csv").write_text(mapping)
    return read_settings(path).ehrs["harbor"].write


def faults(folder: Path, write: str, mapping: str | None = None) -> list[str]:
    """Return the faults that reading reports."""
    with pytest.raises(InvalidSettings) as caught:
        read(folder, write, mapping)
    return [fault.removeprefix("alliance.toml: ehr.harbor.write.") for fault in caught.value.faults]


FLOWSHEET = 'rung = "flowsheet"\ncategory = "vital-signs"\nmapping = "flowsheet.csv"\nkeep_days = 3650'


def test_everything_is_written_unless_the_site_says_otherwise(folder: Path) -> None:
    """Without the table an EHR is on the first rung, where nothing is kept."""
    write = read_settings(folder / "alliance.toml").ehrs["harbor"].write

    assert (write.rung, write.keep, write.rows) == (Rung.OBSERVATIONS, None, ())


def test_a_lesser_rung_keeps_for_as_long_as_the_site_says(folder: Path) -> None:
    """Rung and days come out as written."""
    write = read(folder, 'rung = "hold"\nkeep_days = 30')

    assert (write.rung, write.keep) == (Rung.HOLD, timedelta(days=30))


def test_a_site_says_what_its_notes_are(folder: Path) -> None:
    """A note is a LOINC progress note unless the site names another type."""
    usual = read(folder, 'rung = "note"\nkeep_days = 30').note_type
    (folder / "alliance.toml").write_text((folder / "alliance.toml").read_text().partition("[ehr.harbor.write]")[0])
    named = read(folder, 'rung = "note"\nkeep_days = 30\nnote_type = "http://loinc.org|34109-9|Note"').note_type

    assert (usual.code, named) == ("11506-3", NoteType(system="http://loinc.org", code="34109-9", display="Note"))


def test_mapping_is_read_beside_the_settings(folder: Path) -> None:
    """Each line of the mapping is one row; a mark of a spreadsheet at its beginning does not matter."""
    write = read(folder, FLOWSHEET, f"\ufeff{HEADER}{ROW}")

    row = FlowsheetRow(
        score="visit-check-in-core", system="urn:oid:2.999.1", code="4711", display="Alliance core", unit="score"
    )
    assert (write.rung, write.category, write.rows) == (Rung.FLOWSHEET, "vital-signs", (row,))


def test_the_first_rung_may_have_a_retention_date(folder: Path) -> None:
    """There `keep_days` says how long what the EHR refuses is kept for readers; it need not."""
    assert read(folder, 'rung = "observations"\nkeep_days = 30').keep == timedelta(days=30)


@pytest.mark.parametrize(
    ("write", "found"),
    [
        ('rung = "guess"', ["rung: Must be one of: observations, flowsheet, note, hold."]),
        ('category = "vital-signs"', ["rung: Missing data for required field."]),
        ('rung = "note"', ["keep_days: is needed on rung note"]),
        ('rung = "note"\nkeep_days = 9\nnote_type = "34109-9"', ["note_type: is not system|code|display"]),
        (
            'rung = "hold"\nkeep_days = 9\nnote_type = "urn:s|1|Note"',
            ["note_type: means nothing on rung hold"],
        ),
        ('rung = "hold"', ["keep_days: is needed on rung hold"]),
        (
            'rung = "flowsheet"',
            [f"{name}: is needed on rung flowsheet" for name in ("category", "mapping", "keep_days")],
        ),
        (
            'rung = "hold"\ncategory = "Vital Signs"\nmapping = "a.csv"\nkeep_days = 0\nsoon = 1',
            [
                "category: is not an observation category",
                "keep_days: Must be greater than or equal to 1 and less than or equal to 36525.",
                "mapping: means nothing on rung hold",
                "soon: Unknown field.",
            ],
        ),
    ],
)
def test_every_fault_of_the_table_is_reported(folder: Path, write: str, found: list[str]) -> None:
    """What a rung needs is asked for, what it would not use is refused, all of it together."""
    assert sorted(faults(folder, write)) == sorted(found)


@pytest.mark.parametrize(
    ("mapping", "found"),
    [
        (None, ["flowsheet.csv: is not a readable CSV file: FileNotFoundError"]),
        ("", ["flowsheet.csv: has no rows"]),
        (f"score,code\n{ROW}", ["flowsheet.csv: needs the columns score, system, code, display, unit, in this order"]),
        (
            f"{HEADER}{ROW}{ROW}visit-check-in-full,,,Full,score\na,b,c,d,e,f\n",
            [
                "flowsheet.csv: line 4: system, code is empty",
                "flowsheet.csv: line 5: has too many columns",
                "flowsheet.csv: line 3: score visit-check-in-core is there twice",
                "flowsheet.csv: line 3: system and code urn:oid:2.999.1 4711 is there twice",
            ],
        ),
    ],
)
def test_every_fault_of_the_mapping_is_reported(folder: Path, mapping: str | None, found: list[str]) -> None:
    """A mapping that cannot be used is refused by file, line and reason, beside the faults of other files."""
    (folder / "vault.json").chmod(0o644)

    assert faults(folder, FLOWSHEET, mapping)[1:] == found


def test_what_is_unmatched_on_either_side_is_told() -> None:
    """A score without a row and a row without a score are named; nothing is guessed."""
    rows = tuple(
        FlowsheetRow(score=score, system="urn:s", code=code, display="d", unit="score")
        for score, code in (("a", "1"), ("c", "3"))
    )

    assert mapping_gaps(rows, {"a", "b"}) == [
        "score b has no row: it is not filed",
        "row 3 names c, which is no score asked here",
    ]
