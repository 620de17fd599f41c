"""What the form page shows: its heading, who is told, and every question with what was answered so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.words import DAY, Wording
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.settings import LANGUAGE, TRANSLATED
from smart_app.web.catalogues import in_language
from smart_app.web.pages.conditions import field_name
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.questions import SKIP, Question, Section, sections_of, skip_field
from smart_app.web.pages.words import When, day, local_day
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """How to come back to a form whose page has closed: sentences for `before`, when it is `over`, and afterwards.

    `label` names the way and `url` is where it leads; both are empty where only the person has the address.
    """

    before: str
    over: str
    sentence: str
    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Ends:
    """When a page that is left alone closes: `at` in words, and in how many seconds; `back` if there is a way back."""

    at: str
    seconds: int
    back: WayBack | None = None


@dataclass(frozen=True, kw_only=True)
class FormPage:
    """The form of one visit; `key` names the submission, `version` the draft these answers belong to.

    The visit's day, in the language of the questions, stands between the two parts of the heading, if it is about one
    visit at all; `visit_day` is the same in the language of the page. `place` is where it
    posts to below the launch; a form that `changes` what was sent leads back to it. `ends`
    is when the page closes if it is left alone; `at_home` leads back to what else waits. `language` is that of the
    questions, which may be another than that of the page.
    """

    frame: Frame
    language: str
    heading: tuple[str, str]
    heading_day: When | None
    visit_day: When | None
    audience: str
    instruction: str
    sections: tuple[Section, ...]
    caveat: str
    copyright: str
    key: str
    version: int
    notice: str = ""
    place: str = "/form"
    changes: str = ""
    ends: Ends | None = None
    at_home: bool = False

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every question in the order asked."""
        return tuple(question for section in self.sections for question in section.questions)

    @property
    def counted(self) -> tuple[Question, ...]:
        """The numbered questions."""
        return tuple(question for question in self.questions if question.number)

    @property
    def answered(self) -> int:
        """How many numbered questions have an answer."""
        return sum(question.answered for question in self.counted)

    @property
    def problems(self) -> tuple[Question, ...]:
        """The questions to look at again."""
        return tuple(question for question in self.questions if question.problem)


def form_page(
    instrument: Instrument,
    form: Form,
    *,
    frame: Frame,
    language: str = LANGUAGE,
    visit_start: datetime | None,
    today: date,
    audience: str,
    answers: Answers,
    key: str,
    version: int,
    problems: Mapping[str, str] | None = None,
    notice: str = "",
    changes: str = "",
    ends: Ends | None = None,
    at_home: bool = False,
) -> FormPage:
    """Return the page; `problems` is linkId -> sentence, as InvalidAnswers carries it, `notice` is about the whole.

    `changes` is the path, below the launch, of the receipt of what was sent and is changed here.
    """
    wording = instrument.wordings[language]
    start = visit_start if wording.about_visit(form.rater) else None
    with in_language(wording.language):
        heading_day = visit_day(frame, start, today)
        heading = _heading(wording, form, frame, heading_day)
    return FormPage(
        frame=frame,
        language=wording.language,
        heading=heading,
        heading_day=heading_day,
        visit_day=visit_day(frame, start, today),
        audience=audience,
        instruction=wording.instructions[form.rater],
        sections=sections_of(form, wording, answers, problems or {}),
        caveat="" if instrument.validated else wording.caveat,
        copyright=wording.copyright,
        key=key,
        version=version,
        notice=notice,
        place=f"{changes}/change" if changes else "/form",
        changes=changes,
        ends=ends,
        at_home=at_home,
    )


def visit_day(frame: Frame, start: datetime | None, today: date) -> When | None:
    """Return the visit's day at the site; None for a form about no visit in particular."""
    return day(local_day(start, frame.site.time_zone), today=today) if start else None


def read_answers(form: Form, fields: Mapping[str, str]) -> Answers:
    """Return what the form's fields say: an answer by linkId, or that it was skipped; other fields are left out.

    What was written is kept as it was written, but for space around it; a decimal comma counts as a point.
    """
    found = {item: fields.get(field_name(item.link_id), "").strip() for item in form.items}
    return Answers(
        given={item.link_id: _written(item, text) for item, text in found.items() if text and text != SKIP},
        skipped=frozenset(
            item.link_id
            for item, text in found.items()
            if text == SKIP or (not text and fields.get(skip_field(item.link_id)))
        ),
    )


def _written(item: Item, text: str) -> str:
    return text.replace(",", ".") if item.span else text


def _heading(wording: Wording, form: Form, frame: Frame, on: When | None) -> tuple[str, str]:
    """Return what stands before and after the visit's day, in one language."""
    name = frame.banner.first_name if frame.banner else frame.person
    before, _, after = wording.heading(form.rater).replace("{patient}", name).partition(DAY)
    if on is None:
        return before, after
    # In a language that the pages do not speak there is no word for "on".
    said = say(" on %(day)s", day=DAY) if wording.language in (LANGUAGE, *TRANSLATED) else f" ({DAY})"
    to, _, rest = said.partition(DAY)
    return f"{before}{to}", f"{rest}{after}"
