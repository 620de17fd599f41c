"""What a clinician is asked before the view is filed in the chart, and what of the view such a page holds."""

from dataclasses import dataclass, replace

from smart_app.web.pages.chart import ChartPage
from smart_app.web.pages.companions import CompanionTable
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.reasons import NO_TALK
from smart_app.web.pages.tables import ItemTable, ScoreTable
from smart_app.web.pages.words import When


@dataclass(frozen=True, kw_only=True)
class FilingPage:
    """One question before it is done: `digest` is of the page that was shown, `changed` that it is another one now.

    `language` names the one that the page is in where that is not the one of this question. `usual` says that it tells
    the usual range.
    """

    frame: Frame
    instrument: str
    visits: int
    first: When
    last: When
    readers: str
    digest: str
    language: str = ""
    changed: bool = False
    usual: bool = True


def for_everybody(page: ChartPage) -> ChartPage:
    """Return what of a view everybody may read who can open the chart: as in a note, the patient's scores alone (E06).

    Left out are single answers, reasons to look, ruptures and repairs, which are readings for professionals (S5), what
    was agreed, and what others wrote into the record. A view without the therapist's rating has to be given.
    """
    return replace(
        page,
        facts=None,
        talk=NO_TALK,
        trend=replace(page.trend, drawing=replace(page.trend.drawing, signs=())) if page.trend else None,
        beside=(),
        scores=tuple(map(_without_signs, page.scores)),
        items=ItemTable(visits=(), rows=()),
        companions=CompanionTable(days=(), rows=()),
    )


def _without_signs(table: ScoreTable) -> ScoreTable:
    visits = (each._replace(visit=each.visit._replace(sign="")) for each in table.visits)
    return replace(table, visits=tuple(visits))
