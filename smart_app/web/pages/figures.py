"""What an administrator sees of completion: how many of the forms that were due were answered, by week and clinic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from fhir_alliance.visits.figures import WeekFigures
from fhir_alliance.visits.hiding import FEWEST
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import When, day

COLUMNS: Final = ("due", "sent", "answered", "late", "declined", "expired", "open")
NOTE: Final = f"* not shown: it is of fewer than {FEWEST}, or would give such a count away."


@dataclass(frozen=True, kw_only=True)
class WeekRow:
    """One week of one clinic; `share` is how much of what was due was answered, of 100, None where that is hidden."""

    week: When
    clinic: str
    cells: tuple[str, ...]
    share: int | None
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class FiguresPage:
    """The weeks, the newest first."""

    frame: Frame
    admin: str
    rows: tuple[WeekRow, ...]
    columns: tuple[str, ...] = COLUMNS
    note: str = NOTE


def figures_page(
    frame: Frame, found: Sequence[WeekFigures], *, admin: str, titles: Mapping[str, str], today: date
) -> FiguresPage:
    """Return the page; `titles` are what people call each EHR."""
    several = len({each.ehr for each in found}) > 1
    rows = (
        WeekRow(
            week=day(each.week, today=today),
            clinic=", ".join(filter(None, (titles.get(each.ehr, each.ehr) if several else "", _clinic(each)))),
            cells=tuple(map(said, counts(each))),
            share=_share(each),
            parts=tuple(parts_of(each)),
        )
        for each in reversed(found)
    )
    return FiguresPage(frame=frame, admin=admin, rows=tuple(rows))


def counts(each: WeekFigures) -> tuple[int | None, ...]:
    """Return the counts of a week in the order of the columns."""
    values = {**each.outcomes, "due": each.due, "sent": each.sent, "late": each.late}
    return tuple(values[name] for name in COLUMNS)


def parts_of(each: WeekFigures) -> list[tuple[str, str]]:
    """Return by what the answered are divided and why others were not answered, each in words."""
    values = (*each.by.items(), ("reason", each.reasons))
    return [(name, _told(parts)) for name, parts in values if parts]


def said(count: int | None) -> str:
    """Return a count as it is shown."""
    return "*" if count is None else str(count)


def _told(parts: Mapping[str, int | None]) -> str:
    return ", ".join(f"{name} {said(count)}" for name, count in sorted(parts.items()))


def _clinic(each: WeekFigures) -> str:
    return each.clinic.rpartition("/")[2] or "no clinic named"


def _share(each: WeekFigures) -> int | None:
    answered = each.outcomes["answered"]
    return round(100 * answered / each.due) if each.due and answered is not None else None
