"""The questions of a form as a page shows them: grouped, with their choices or fields, and what was answered so far."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item, Kind, Look
from fhir_alliance.instruments.layout import Computed, Group, Note, Part
from fhir_alliance.instruments.words import Wording
from fhir_alliance.scoring.answers import Answers
from smart_app.web.pages.conditions import conditions_as_json, conditions_in_words, field_name
from smart_app.web.saying import say

SKIP = "skip"
# Up to five choices of up to three letters, and the skip, stand side by side on the narrowest phone.
_MANY, _SHORT, _IN_A_ROW = 3, 3, 5


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One radio button."""

    code: str
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question; `number` counts those that progress is counted by.

    `when` is the condition to be asked, as JSON for the page's script, and `condition` the same in words.
    `look` is how it stands there: points (numbers in a row), words, row (of a table), slider, number or text.
    `value` is what was written, `low`, `high` and `step` bound a number, `ends` name the two ends of a scale.
    """

    link_id: str
    name: str
    anchor: str
    number: int | None
    text: str
    look: str
    required: bool
    choices: tuple[Choice, ...]
    value: str
    low: str
    high: str
    step: str
    longest: int
    ends: tuple[str, str]
    skipped: bool
    problem: str
    when: str
    condition: str

    @property
    def skip_name(self) -> str:
        """The name of the field that says this question was skipped, where it has no radio buttons."""
        return skip_field(self.link_id)

    @property
    def spacing(self) -> str:
        """How its choices are laid out: "short" in one row, "many" in even columns, "few" one after the other."""
        if len(self.choices) < _MANY:
            return "few"
        short = len(self.choices) <= _IN_A_ROW and all(len(choice.label) <= _SHORT for choice in self.choices)
        return "short" if short else "many"

    @property
    def answered(self) -> bool:
        """Whether it has an answer."""
        return bool(self.value) or any(choice.chosen for choice in self.choices)


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A text between the questions."""

    text: str
    when: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """Questions and texts under one heading, which may be empty; `level` is 2 for the outermost."""

    heading: str
    level: int
    parts: tuple[Question | Remark, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions in the order asked."""
        return tuple(part for part in self.parts if isinstance(part, Question))


def skip_field(link_id: str) -> str:
    """Return the name of the field by which a question without radio buttons is skipped."""
    return f"~skip {link_id}"


def sections_of(form: Form, wording: Wording, answers: Answers, problems: Mapping[str, str]) -> tuple[Section, ...]:
    """Return the form as sections: one for each group, and one for each run of questions beside the groups."""
    return tuple(_Builder(form, wording, answers, problems).sections(form.layout, heading="", level=1))


class _Builder:
    def __init__(self, form: Form, wording: Wording, answers: Answers, problems: Mapping[str, str]) -> None:
        self._form, self._wording, self._answers, self._problems = form, wording, answers, problems
        self._numbers = {item.link_id: number for number, item in enumerate(form.counted_items, start=1)}
        self._places = {item.link_id: place for place, item in enumerate(form.items, start=1)}

    def sections(self, parts: Iterable[Part], *, heading: str, level: int) -> Iterator[Section]:
        run: list[Question | Remark] = []
        for part in parts:
            if isinstance(part, Group):
                if run or heading:
                    yield Section(heading=heading, level=max(level, 2), parts=tuple(run))
                run, heading = [], ""
                inner = self._wording.sections.get(part.link_id, "")
                yield from self.sections(part.parts, heading=inner, level=level + 1)
            elif not isinstance(part, Computed):
                run.append(self._part(part))
        if run or heading:
            yield Section(heading=heading, level=max(level, 2), parts=tuple(run))

    def _part(self, part: Item | Note) -> Question | Remark:
        if isinstance(part, Item):
            return self._question(part)
        text = self._wording.items[part.link_id][self._form.rater]
        return Remark(text=text, when=conditions_as_json(part.conditions))

    def _question(self, item: Item) -> Question:
        given, span = self._answers.given.get(item.link_id), item.span
        return Question(
            link_id=item.link_id,
            name=field_name(item.link_id),
            anchor=self._anchor(item.link_id),
            number=self._numbers.get(item.link_id),
            text=self._wording.items[item.link_id][self._form.rater],
            look=look_of(item, self._wording),
            required=item.required,
            choices=tuple(
                Choice(code=option.code, label=self._wording.option(option.code), chosen=option.code == given)
                for option in item.options
            ),
            value="" if item.options else given or "",
            low=f"{span.minimum:f}" if span else "",
            high=f"{span.maximum:f}" if span else "",
            step=f"{span.step:f}" if span else "",
            longest=item.longest,
            ends=self._wording.anchors_of(item.link_id),
            skipped=item.link_id in self._answers.skipped,
            problem=say(problem) if (problem := self._problems.get(item.link_id)) else "",
            when=conditions_as_json(item.conditions),
            condition=conditions_in_words(item.conditions, self._form, self._wording),
        )

    def _anchor(self, link_id: str) -> str:
        """Return a fragment for links: a linkId may hold anything, an id may not."""
        return link_id if re.fullmatch(r"[A-Za-z0-9-]+", link_id) else f"at-{self._places[link_id]}"


def look_of(item: Item, wording: Wording) -> str:
    """Return how a question stands on the page."""
    if item.kind is Kind.TEXT:
        return "text"
    if item.span:
        return "slider" if item.look is Look.SLIDER else "number"
    if item.look is Look.TABLE:
        return "row"
    are_numbers = item.scored and not any(option.code in wording.options for option in item.options)
    return "points" if are_numbers else "words"
