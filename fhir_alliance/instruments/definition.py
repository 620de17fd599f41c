"""An instrument as frozen values: items, options, scales, forms and the words of each language."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from fhir_alliance.terms import canonical


class Rater(StrEnum):
    """Whose view a form asks for; a series never mixes raters."""

    PATIENT = "patient"
    THERAPIST = "therapist"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer that can be chosen; `value` is its number, None for an unscored choice."""

    code: str
    value: Decimal | None


@dataclass(frozen=True, kw_only=True)
class EnabledBy:
    """The question is asked only when `question` was answered with one of `any_of`."""

    question: str
    any_of: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question; `construct` is what it asks about, empty for an unscored question."""

    link_id: str
    section: str
    construct: str
    options: tuple[Option, ...]
    enabled_by: EnabledBy | None = None

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes that are an answer to this item."""
        return frozenset(option.code for option in self.options)

    @property
    def scored(self) -> bool:
        """Whether its answers are numbers."""
        return self.options[0].value is not None


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One score: `method` over `items`, only when at least `min_answered` of them were answered."""

    name: str
    method: str
    items: tuple[str, ...]
    min_answered: int
    minimum: Decimal
    maximum: Decimal
    decimals: int


@dataclass(frozen=True, kw_only=True)
class RawFact:
    """An answer shown to the clinician as it is: a number `at_most`, or one of the codes `any_of`."""

    item: str
    at_most: Decimal | None
    any_of: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Advice:
    """At which visits a form is advised: `visits`, and then every `then_every` after the last of them."""

    visits: frozenset[int]
    then_every: int

    def holds(self, visit: int) -> bool:
        """Whether the form is advised at this visit, counted from 1."""
        later = visit - max(self.visits)
        return visit in self.visits or (later > 0 and later % self.then_every == 0)


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words of one version in one language; `validated` says whether this translation was tested."""

    language: str
    author: str
    method: str
    title: str
    caveat: str
    copyright: str
    anchors: tuple[str, str]
    sections: Mapping[str, str]
    forms: Mapping[str, str]
    raters: Mapping[Rater, str]
    instructions: Mapping[Rater, str]
    items: Mapping[str, Mapping[Rater, str]]
    options: Mapping[str, str]
    scores: Mapping[str, str]

    def option(self, code: str) -> str:
        """Return an option in words; a number is its own word."""
        return self.options.get(code, code)


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One immutable version of a questionnaire; `digest` is the SHA-256 of its files."""

    name: str
    version: str
    status: str
    date: str
    validated: bool
    source: str
    licence: str
    decimals: int
    items: Mapping[str, Item]
    scales: tuple[Scale, ...]
    forms: tuple["Form", ...]
    advice: Mapping[str, Advice]
    raw_facts: tuple[RawFact, ...]
    wordings: Mapping[str, Wording]
    digest: str

    @property
    def method_code(self) -> str:
        """The code that carries name and version with every score, e.g. `visit-check-in-1.0.0`."""
        return f"{self.name}-{self.version}"

    @property
    def answers_system(self) -> str:
        """The code system of the answer options."""
        return canonical("CodeSystem", f"{self.name}-answers")

    def code(self, rater: Rater, scale: str = "") -> str:
        """Return the code of a scale, or of the whole panel; the raters never share one."""
        rated_by = "" if rater is Rater.PATIENT else rater.value
        return "-".join(part for part in (self.name, rated_by, scale) if part)

    def display(self, rater: Rater, scale: str = "", language: str = "en") -> str:
        """Return the name of a scale, or of the whole panel, as a chart shows it."""
        words = self.wordings[language]
        name = f"{words.title} {words.scores[scale]}" if scale else words.title
        return name if rater is Rater.PATIENT else f"{name}, {words.raters[rater]}"

    def form(self, rater: Rater, name: str) -> "Form":
        """Return one form; KeyError when there is none of that name for that rater."""
        for form in self.forms:
            if (form.rater, form.form) == (rater, name):
                return form
        raise KeyError(f"{self.name} has no form {rater}-{name}")

    def advised_form(self, visit: int | None) -> str:
        """Return the name of the form advised at a visit; the first form when no other is, or the visit is unknown."""
        advised = [name for name, advice in self.advice.items() if visit and advice.holds(visit)]
        return advised[0] if advised else self.forms[0].form


@dataclass(frozen=True, kw_only=True)
class Form:
    """The items one rater is asked at one visit; published as one Questionnaire."""

    instrument_name: str
    version: str
    rater: Rater
    form: str
    items: tuple[Item, ...]
    scales: tuple[Scale, ...]

    @property
    def name(self) -> str:
        """The name in the canonical URL, e.g. `visit-check-in-patient-core`."""
        return f"{self.instrument_name}-{self.rater}-{self.form}"

    @property
    def url(self) -> str:
        """The canonical URL without its version."""
        return canonical("Questionnaire", self.name)

    @property
    def canonical(self) -> str:
        """The canonical URL pinned to its version, as a response names it."""
        return f"{self.url}|{self.version}"

    @cached_property
    def by_link_id(self) -> Mapping[str, Item]:
        """The items by linkId, in the order asked."""
        return {item.link_id: item for item in self.items}

    @property
    def scored_items(self) -> tuple[Item, ...]:
        """The items whose answers are numbers."""
        return tuple(item for item in self.items if item.scored)
