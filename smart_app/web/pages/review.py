"""What the review and receipt pages show: the answers in words, and where they are."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item, Look
from fhir_alliance.instruments.words import Wording
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.settings import LANGUAGE
from smart_app.web.pages.form import visit_day
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import When
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """One question and its answer in words."""

    link_id: str
    text: str
    answer: str
    answered: bool


@dataclass(frozen=True, kw_only=True)
class ReviewPage:
    """The answers before they are sent; `empty` asks once whether to send none at all.

    `form` and `send` are where the questions are and where to send to, below the launch; `changes` says that the
    answers come in place of those that were sent. `language` is that of the questions.
    """

    frame: Frame
    visit_day: When | None
    scale: str
    rows: tuple[AnswerRow, ...]
    language: str
    empty: bool
    key: str
    version: int
    form: str = "/form"
    send: str = "/send"
    changes: bool = False


class ReceiptState(StrEnum):
    """Where sent answers are, as the person is told."""

    RECEIVED = "received"
    IN_REVIEW = "in_review"
    IN_CHART = "in_chart"
    NOTED = "noted"
    HELD = "held"
    KEPT = "kept"
    OWN = "own"
    CHANGE_HELD = "change_held"
    TAKING_BACK = "taking_back"
    TAKE_BACK_HELD = "take_back_held"
    TAKEN_BACK = "taken_back"
    NEVER_SENT = "never_sent"


@dataclass(frozen=True, kw_only=True)
class ReceiptPage:
    """What was sent; `handover` asks for the device back, and then no answers stay on the page.

    `repeats_help` depends on the form alone, so that whoever takes the device back does not learn an answer from it.
    `change_until` says until when it can be changed or taken back, `can_change` whether that is possible here and now.
    `language` is that of the `rows`. `by_clinic` says that not the patient took it back.
    """

    frame: Frame
    key: str
    state: ReceiptState
    declined: bool
    handover: bool
    rows: tuple[AnswerRow, ...] = ()
    language: str = LANGUAGE
    repeats_help: bool = False
    changed: bool = False
    can_change: bool = False
    change_until: str = ""
    by_clinic: bool = False

    @property
    def taken_back(self) -> bool:
        """Whether these answers are taken back, in the chart already or not yet."""
        return self.state in (*_TAKEN_BACK, ReceiptState.TAKING_BACK, ReceiptState.TAKE_BACK_HELD)

    @property
    def done(self) -> bool:
        """Whether nothing of them counts any more: that was read back from the chart, or they never were there."""
        return self.state in _TAKEN_BACK


_TAKEN_BACK = (ReceiptState.TAKEN_BACK, ReceiptState.NEVER_SENT)


def review_page(
    instrument: Instrument,
    form: Form,
    *,
    frame: Frame,
    language: str = LANGUAGE,
    visit_start: datetime | None,
    today: date,
    answers: Answers,
    key: str,
    version: int,
    changes: str = "",
) -> ReviewPage:
    """Return the page; `answers` are already checked; `changes` is the receipt's path of what they come in place of."""
    wording = instrument.wordings[language]
    return ReviewPage(
        frame=frame,
        visit_day=visit_day(frame, visit_start, today) if wording.about_visit(form.rater) else None,
        scale=_scale(form, wording),
        rows=answer_rows(form, wording, answers),
        language=wording.language,
        empty=answers.empty,
        key=key,
        version=version,
        form=f"{changes}/change" if changes else "/form",
        send=f"{changes}/change/send" if changes else "/send",
        changes=bool(changes),
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


def _scale(form: Form, wording: Wording) -> str:
    """Return what the numbers mean, where all questions are answered by the same numbers."""
    scored = form.scored_items
    ranges = {(item.least, item.most, wording.anchors_of(item.link_id)) for item in scored}
    if len(ranges) != 1 or any(option.code in wording.options for item in scored for option in item.options):
        return ""
    low, high, ends = ranges.pop()
    values = {"low": f"{low:f}", "least": ends[0], "high": f"{high:f}", "most": ends[1]}
    return say("%(low)s means %(least)s, %(high)s means %(most)s.", **values)


def _in_words(item: Item, wording: Wording, answers: Answers) -> str:
    code = answers.given.get(item.link_id)
    if code is None:
        return say("skipped") if item.link_id in answers.skipped else say("no answer")
    low, high = wording.anchors_of(item.link_id)
    if item.span:
        return _on_a_line(code, item, low, high) if item.look is Look.SLIDER else code
    if not item.scored or code in wording.options:
        return wording.option(code)
    ends = {item.options[0].code: low, item.options[-1].code: high}
    return f"{code}, {ends[code]}" if ends.get(code) else code


def _on_a_line(code: str, item: Item, low: str, high: str) -> str:
    values = {"answer": code, "low": f"{item.least:f}", "least": low, "high": f"{item.most:f}", "most": high}
    return say("%(answer)s, from %(low)s (%(least)s) to %(high)s (%(most)s)", **values)
