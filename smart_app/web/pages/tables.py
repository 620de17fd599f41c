"""The tables of the clinician's view: scores by visit, answers by item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater, Wording
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.series import Point
from smart_app.web.pages.visit_rows import VisitRow
from smart_app.web.pages.words import When, day
from smart_app.web.saying import say

SHADES = 5


class VisitHead(NamedTuple):
    """One visit as a row or column is headed; `sign` says in words what is drawn under it.

    `amended` says that the answers below were corrected later.
    """

    number: int | None
    day: When
    kept: bool
    sign: str = ""
    amended: bool = False


class ScoreRow(NamedTuple):
    """One rater's scores, one cell per column, empty where the form did not ask; `amended` when corrected later."""

    rater: Rater
    name: str
    answered: str
    cells: tuple[str, ...]
    amended: bool = False


class VisitScores(NamedTuple):
    """The scores of one visit, the patient's first."""

    visit: VisitHead
    rows: tuple[ScoreRow, ...]


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """Every visit with a score, newest first."""

    columns: tuple[str, ...]
    visits: tuple[VisitScores, ...]

    @property
    def any_amended(self) -> bool:
        """Whether a row of it is of answers that were corrected later."""
        return any(row.amended for visit in self.visits for row in visit.rows)


class ItemCell(NamedTuple):
    """One answer, empty when not asked; `shade` is darker (higher) for a lower one, None for words and blanks."""

    text: str
    shade: int | None


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One question and its answers."""

    text: str
    cells: tuple[ItemCell, ...]


@dataclass(frozen=True, kw_only=True)
class ItemTable:
    """The patient's own answers at the last visits, newest at the right."""

    visits: tuple[VisitHead, ...]
    rows: tuple[ItemRow, ...]

    @property
    def any_amended(self) -> bool:
        """Whether a column of it is of answers that were corrected later."""
        return any(visit.amended for visit in self.visits)


def score_table(
    instrument: Instrument, wording: Wording, rows: Sequence[VisitRow], *, names: Mapping[Rater, str], today: date
) -> ScoreTable:
    """Return a table of the visits given, with the scales that were asked in one of them."""
    asked = [
        scale for scale in instrument.scales if any(row.point(rater, scale.name) for row in rows for rater in Rater)
    ]
    widest_first = sorted(asked, key=lambda scale: len(scale.items), reverse=True)
    raters = tuple(Rater)
    return ScoreTable(
        columns=tuple(wording.scores[scale.name] for scale in asked),
        visits=tuple(
            VisitScores(
                visit=_head(row, today),
                rows=tuple(
                    _score_row(row, rater, asked, widest_first, names[rater]) for rater in raters if rater in row.points
                ),
            )
            for row in reversed(rows)
            if row.points
        ),
    )


def _score_row(
    row: VisitRow, rater: Rater, scales: Sequence[Scale], widest_first: Sequence[Scale], name: str
) -> ScoreRow:
    points = row.points[rater]
    return ScoreRow(
        rater=rater,
        name=name,
        answered=_answered(points, widest_first),
        cells=tuple([score_words(points[scale.name]) if scale.name in points else "" for scale in scales]),
        amended=row.is_amended(rater),
    )


def _answered(points: Mapping[str, Point], widest_first: Sequence[Scale]) -> str:
    """Return "5 of 6", counted on the widest scale the form scored."""
    widest = next((scale for scale in widest_first if scale.name in points), None)
    answered = points[widest.name].answered if widest else None
    if widest is None or answered is None:
        return ""
    return say("%(number)s of %(total)s", number=answered, total=len(widest.items))


def score_words(point: Point | None) -> str:
    """Return a score with one decimal; too few answers are said, never shown as a number."""
    if point is None:
        return ""
    return say("not scored") if point.value is None else say(one_decimal(point.value))


def item_table(
    instrument: Instrument, wording: Wording, rows: Sequence[VisitRow], *, today: date, columns: int
) -> ItemTable:
    """Return the last visits the patient answered; questions never asked in them are left out."""
    shown = [row for row in rows if Rater.PATIENT in row.answers][-columns:]
    sheets = [(row.answers[Rater.PATIENT], _asked(instrument, row)) for row in shown]
    return ItemTable(
        visits=tuple(_head(row, today)._replace(amended=row.is_amended(Rater.PATIENT)) for row in shown),
        rows=tuple(
            ItemRow(
                text=wording.items[item.link_id][Rater.PATIENT],
                cells=tuple(_item_cell(item, wording, sheet, item.link_id in asked) for sheet, asked in sheets),
            )
            for item in instrument.items.values()
            if any(item.link_id in sheet.given or item.link_id in sheet.skipped for sheet, _ in sheets)
        ),
    )


def _asked(instrument: Instrument, row: VisitRow) -> frozenset[str]:
    """Return the linkIds of what the shortest patient form with these scores asks: conditions leave some out."""
    forms = [form for form in instrument.forms if form.rater is Rater.PATIENT]
    given = row.points.get(Rater.PATIENT, {}).keys()
    form = next((form for form in forms if given <= {scale.name for scale in form.scales}), forms[-1])
    return frozenset(item.link_id for item in form.items if item.is_asked(row.answers[Rater.PATIENT].given))


def _item_cell(item: Item, wording: Wording, answers: Answers, asked: bool) -> ItemCell:
    code = answers.given.get(item.link_id)
    if code is None:
        blank = "–" if asked else ""
        return ItemCell(text=say("skipped") if item.link_id in answers.skipped else blank, shade=None)
    return ItemCell(text=wording.option(code), shade=_shade(item, code) if item.scored else None)


def _shade(item: Item, answer: str) -> int | None:
    """Return how dark an answer is drawn: the lower it stands on its scale, the darker."""
    if item.span:
        part = (Decimal(answer) - item.least) / (item.most - item.least)
        return SHADES - 1 - min(int(part * SHADES), SHADES - 1)
    return SHADES - 1 - item.places[answer] * SHADES // len(item.options)


def _head(row: VisitRow, today: date) -> VisitHead:
    sign = say(row.sign.words) if row.sign else ""
    return VisitHead(number=row.number, day=day(row.on, today=today), kept=row.kept, sign=sign)
