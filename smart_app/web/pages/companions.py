"""What the record holds beside the alliance: totals of outcome measures by day, newest at the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.trajectory.companions import Companion
from smart_app.web.pages.window import COLUMNS
from smart_app.web.pages.words import When, between, day, plain


@dataclass(frozen=True, kw_only=True)
class CompanionRow:
    """One measure with its range, and a cell for each day, empty without a total."""

    name: str
    between: str
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CompanionTable:
    """The measures on the last days that have any of them."""

    days: tuple[When, ...]
    rows: tuple[CompanionRow, ...]


def companion_table(
    companions: Sequence[Companion], *, language: str, today: date, columns: int = COLUMNS
) -> CompanionTable:
    """Return the table; a measure without words installed goes by the title of its definition."""
    days = sorted({reading.on for each in companions for reading in each.readings})[-columns:]
    return CompanionTable(
        days=tuple(day(on, today=today) for on in days),
        rows=tuple(_row(each, days, language) for each in companions),
    )


def _row(companion: Companion, days: Sequence[date], language: str) -> CompanionRow:
    words = companion.instrument.wordings.get(language)
    values = {reading.on: reading.value for reading in companion.readings}
    low, high = companion.scale.minimum, companion.scale.maximum
    return CompanionRow(
        name=words.title if words else companion.instrument.title,
        between=between(low, high),
        cells=tuple(plain(values[on]) if on in values else "" for on in days),
    )
