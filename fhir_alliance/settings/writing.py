"""How scores are written into one EHR: the rung of the write ladder, and the customer's flowsheet rows."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

COLUMNS = ("score", "system", "code", "display", "unit")


class Rung(StrEnum):
    """The write ladder (spec row E02), from all that we have to nothing.

    DOCUMENT is no rung that a site chooses: a page that a clinician files by hand, whatever the rung.
    """

    OBSERVATIONS = "observations"
    FLOWSHEET = "flowsheet"
    NOTE = "note"
    HOLD = "hold"
    DOCUMENT = "document"


LADDER: Final = tuple(rung for rung in Rung if rung is not Rung.DOCUMENT)
"""The rungs that a site chooses from."""


@dataclass(frozen=True, kw_only=True)
class FlowsheetRow:
    """The row that a customer has built for one score code of ours."""

    score: str
    system: str
    code: str
    display: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class NoteType:
    """What an EHR calls the notes that we write; a LOINC progress note unless the site says otherwise (E06)."""

    system: str = "http://loinc.org"
    code: str = "11506-3"
    display: str = "Progress note"


@dataclass(frozen=True, kw_only=True)
class WriteSettings:
    """The rung of one EHR; below the first, what it cannot give back is kept here for `keep`.

    `category` (an observation-category code), `mapping_file` and `rows` are of the flowsheet only, `note_type` of the
    note only.
    """

    rung: Rung = Rung.OBSERVATIONS
    category: str = ""
    mapping_file: Path | None = None
    rows: tuple[FlowsheetRow, ...] = ()
    note_type: NoteType = NoteType()
    keep: timedelta | None = None


def read_mapping(path: Path) -> tuple[FlowsheetRow, ...]:
    """Read the reviewed mapping, a CSV file with a header line; raise ValueError with every fault, one a line."""
    try:
        lines = list(csv.DictReader(path.read_text("utf-8-sig").splitlines(), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"is not a readable CSV file: {type(error).__name__}") from None
    if not lines:
        raise ValueError("has no rows")
    if tuple(lines[0]) != COLUMNS:
        raise ValueError(f"needs the columns {', '.join(COLUMNS)}, in this order")
    if faults := [*_row_faults(lines), *_twice(lines, "score"), *_twice(lines, "system", "code")]:
        raise ValueError("\n".join(faults))
    return tuple(FlowsheetRow(**{name: line[name].strip() for name in COLUMNS}) for line in lines)


def mapping_gaps(rows: tuple[FlowsheetRow, ...], scores: set[str]) -> list[str]:
    """Return what is unmatched on either side, in words; nothing is ever guessed, so such a score is not filed."""
    mapped = {row.score for row in rows}
    ours = (f"score {score} has no row: it is not filed" for score in sorted(scores - mapped))
    theirs = (f"row {row.code} names {row.score}, which is no score asked here" for row in rows)
    return [*ours, *(gap for gap, row in zip(theirs, rows, strict=True) if row.score not in scores)]


def _row_faults(lines: list[dict[str, str]]) -> Iterator[str]:
    for number, line in enumerate(lines, 2):
        lacking = [name for name in COLUMNS if not (line[name] or "").strip()]
        if lacking or None in line:
            yield f"line {number}: " + (f"{', '.join(lacking)} is empty" if lacking else "has too many columns")


def _twice(lines: list[Mapping[str, str]] | list[dict[str, str]], *names: str) -> Iterator[str]:
    seen: set[tuple[str, ...]] = set()
    for number, line in enumerate(lines, 2):
        key = tuple((line[name] or "").strip() for name in names)
        if all(key) and key in seen:
            yield f"line {number}: {' and '.join(names)} {' '.join(key)} is there twice"
        seen.add(key)
