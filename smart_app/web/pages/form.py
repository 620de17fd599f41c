"""What the form page shows: every question with its choices, and what was chosen so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.words import Wording
from fhir_alliance.scoring.answers import Answers
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import When, day, local_day

SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One radio button."""

    code: str
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Question:
    """One group of radio buttons; `number` counts scored items, `only_for` are the answers to `only_after` it needs."""

    link_id: str
    number: int | None
    text: str
    choices: tuple[Choice, ...]
    skipped: bool
    problem: str
    only_after: str
    only_for: tuple[str, ...]
    condition: str

    @property
    def answered(self) -> bool:
        """Whether one of its choices is chosen."""
        return any(choice.chosen for choice in self.choices)


@dataclass(frozen=True, kw_only=True)
class Section:
    """Questions under one heading."""

    heading: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class FormPage:
    """The form of one visit; `key` names the submission, `version` the draft these answers belong to."""

    frame: Frame
    visit_day: When | None
    audience: str
    instruction: str
    anchors: tuple[str, str]
    sections: tuple[Section, ...]
    caveat: str
    copyright: str
    key: str
    version: int
    notice: str = ""

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every question in the order asked."""
        return tuple(question for section in self.sections for question in section.questions)

    @property
    def scored(self) -> tuple[Question, ...]:
        """The numbered questions."""
        return tuple(question for question in self.questions if question.number)

    @property
    def answered(self) -> int:
        """How many numbered questions have an answer."""
        return sum(question.answered for question in self.scored)

    @property
    def problems(self) -> tuple[Question, ...]:
        """The questions to look at again."""
        return tuple(question for question in self.questions if question.problem)


def form_page(
    instrument: Instrument,
    form: Form,
    *,
    frame: Frame,
    visit_start: datetime | None,
    today: date,
    audience: str,
    answers: Answers,
    key: str,
    version: int,
    problems: Mapping[str, str] | None = None,
    notice: str = "",
) -> FormPage:
    """Return the page; `problems` is linkId -> sentence, as InvalidAnswers carries it, `notice` is about the whole."""
    wording = instrument.wordings[frame.language]
    return FormPage(
        frame=frame,
        visit_day=visit_day(frame, visit_start, today),
        audience=audience,
        instruction=wording.instructions[form.rater],
        anchors=wording.anchors,
        sections=_sections(form, wording, answers, problems or {}),
        caveat="" if instrument.validated else wording.caveat,
        copyright=wording.copyright,
        key=key,
        version=version,
        notice=notice,
    )


def visit_day(frame: Frame, start: datetime | None, today: date) -> When | None:
    """Return the visit's day at the site; None for a form about no visit in particular."""
    return day(local_day(start, frame.site.time_zone), today=today) if start else None


def read_answers(form: Form, fields: Mapping[str, str]) -> Answers:
    """Return what the form's fields say: an option code by linkId, or `skip`; other fields and blanks are left out."""
    found = {item.link_id: fields[item.link_id] for item in form.items if fields.get(item.link_id)}
    return Answers(
        given={link_id: code for link_id, code in found.items() if code != SKIP},
        skipped=frozenset(link_id for link_id, code in found.items() if code == SKIP),
    )


def _sections(form: Form, wording: Wording, answers: Answers, problems: Mapping[str, str]) -> tuple[Section, ...]:
    numbers = {item.link_id: number for number, item in enumerate(form.scored_items, start=1)}
    names = dict.fromkeys(item.section for item in form.items)
    return tuple(
        Section(
            heading=wording.sections[name],
            questions=tuple(
                _question(form, item, wording, answers, numbers.get(item.link_id), problems.get(item.link_id, ""))
                for item in form.items
                if item.section == name
            ),
        )
        for name in names
    )


def _question(form: Form, item: Item, wording: Wording, answers: Answers, number: int | None, problem: str) -> Question:
    chosen = answers.given.get(item.link_id)
    needed = _needed(form, item)
    return Question(
        link_id=item.link_id,
        number=number,
        text=wording.items[item.link_id][form.rater],
        choices=tuple(
            Choice(code=option.code, label=wording.option(option.code), chosen=option.code == chosen)
            for option in item.options
        ),
        skipped=item.link_id in answers.skipped,
        problem=problem,
        only_after=item.conditions[0].tests[0].question if item.conditions else "",
        only_for=needed,
        condition=" or ".join(f"“{wording.option(code)}”" for code in needed),
    )


def _needed(form: Form, item: Item) -> tuple[str, ...]:
    """Return the answers that open a question, in the order they are offered."""
    tests = [test for condition in item.conditions for test in condition.tests]
    opening = {test.value for test in tests}
    options = form.by_link_id[tests[0].question].options if tests else ()
    return tuple(option.code for option in options if option.code in opening)
