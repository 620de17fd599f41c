"""What the review and receipt pages show: the answers in words, and where they are."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.words import Wording
from fhir_alliance.scoring.answers import Answers
from smart_app.web.pages.form import visit_day
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import When


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """One question and its answer in words."""

    link_id: str
    text: str
    answer: str
    answered: bool


@dataclass(frozen=True, kw_only=True)
class ReviewPage:
    """The answers before they are sent; `empty` asks once whether to send none at all."""

    frame: Frame
    visit_day: When | None
    anchors: tuple[str, str]
    rows: tuple[AnswerRow, ...]
    empty: bool
    key: str
    version: int


class ReceiptState(StrEnum):
    """Where sent answers are, as the person is told."""

    RECEIVED = "received"
    IN_CHART = "in_chart"
    HELD = "held"


@dataclass(frozen=True, kw_only=True)
class ReceiptPage:
    """What was sent; `handover` asks for the device back, and then no answers stay on the page."""

    frame: Frame
    key: str
    state: ReceiptState
    declined: bool
    handover: bool
    rows: tuple[AnswerRow, ...] = ()


def review_page(
    instrument: Instrument,
    form: Form,
    *,
    frame: Frame,
    visit_start: datetime | None,
    today: date,
    answers: Answers,
    key: str,
    version: int,
) -> ReviewPage:
    """Return the page; `answers` are already checked."""
    wording = instrument.wordings[frame.language]
    return ReviewPage(
        frame=frame,
        visit_day=visit_day(frame, visit_start, today),
        anchors=wording.anchors,
        rows=answer_rows(form, wording, answers),
        empty=answers.empty,
        key=key,
        version=version,
    )


def answer_rows(form: Form, wording: Wording, answers: Answers) -> tuple[AnswerRow, ...]:
    """Return every question that was asked; one that its condition leaves out was not."""
    return tuple(
        AnswerRow(
            link_id=item.link_id,
            text=wording.items[item.link_id][form.rater],
            answer=_in_words(item, wording, answers),
            answered=item.link_id in answers.given,
        )
        for item in form.items
        if item.is_asked(answers.given)
    )


def _in_words(item: Item, wording: Wording, answers: Answers) -> str:
    code = answers.given.get(item.link_id)
    if code is None:
        return "skipped" if item.link_id in answers.skipped else "no answer"
    ends = {item.options[0].code: wording.anchors[0], item.options[-1].code: wording.anchors[1]} if item.scored else {}
    return f"{wording.option(code)}, {ends[code]}" if code in ends else wording.option(code)
