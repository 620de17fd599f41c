"""An instrument as frozen values: items, options, scales, forms and the words of each language."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import gcd

from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.layout import Part, questions
from fhir_alliance.instruments.own import Calculation, OwnForm
from fhir_alliance.instruments.words import Licence, Rater, Wording
from fhir_alliance.terms import ALLIANCE, canonical


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One score: `method` over `items`, only when at least `min_answered` of them were answered.

    Over the answered items, score = factor * sum(w * x) / sum(w): the weighted mean, for a sum times the weight of all
    items, so that fewer items are prorated by the person's own mean (reference 5.1; for weights our decision, D). With
    all weights 1 this is the plain mean, and the plain sum prorated. `multiplier` is part of the factor, so it comes
    before the one rounding. `weights` has every item; `minimum` and `maximum` are those of the score, equal where
    nobody has said them. A score of a site's own form has its `calculation` in place of method and weights.
    """

    name: str
    title: str
    method: str
    items: tuple[str, ...]
    min_answered: int
    weights: Mapping[str, Decimal]
    multiplier: Decimal
    minimum: Decimal
    maximum: Decimal
    decimals: int
    calculation: Calculation | None = None

    @property
    def has_range(self) -> bool:
        """Whether it is known between which values the score lies."""
        return self.minimum < self.maximum

    @cached_property
    def factor(self) -> Decimal:
        """What the weighted mean of the answered items is multiplied by to give the score."""
        return self.multiplier * (sum(self.weights.values()) if self.method == "sum" else 1)

    @property
    def step(self) -> Decimal:
        """The last decimal a score is rounded to."""
        return Decimal(1).scaleb(-self.decimals)

    @cached_property
    def shares(self) -> Mapping[str, int]:
        """The weights as the smallest whole numbers in the same proportion, which gives the same weighted mean."""
        places = max(_places(weight) for weight in self.weights.values())
        whole = {item: int(weight.scaleb(places)) for item, weight in self.weights.items()}
        common = gcd(*whole.values())
        return {item: weight // common for item, weight in whole.items()}

    @cached_property
    def weighted(self) -> bool:
        """Whether one item counts more than another."""
        return any(share > 1 for share in self.shares.values())

    @property
    def weighing(self) -> str:
        """The weights and the multiplier in words, empty where every item counts once."""
        alike: dict[Decimal, list[str]] = {}
        for item, weight in self.weights.items():
            alike.setdefault(weight, []).append(item)
        said = [f"{_listed(items)} × {weight.normalize():f}" for weight, items in alike.items() if weight != 1]
        times = [] if self.multiplier == 1 else [f"the result × {self.multiplier.normalize():f}"]
        return "; ".join([*said, *times])

    def pomp(self, value: Decimal) -> Decimal:
        """Return a score as percent of the maximum possible, 0 to 100, not rounded (POMP; Cohen et al. 1999)."""
        return 100 * (value - self.minimum) / (self.maximum - self.minimum)


def _places(weight: Decimal) -> int:
    """Return how many decimals a weight needs."""
    return max(0, -int(weight.normalize().as_tuple().exponent))


def _listed(items: list[str]) -> str:
    return f"item {items[0]}" if len(items) == 1 else f"items {', '.join(items)}"


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
class Evidence:
    """How well a fact is known (S sourced, C computed, D our design, M remembered), and from where."""

    tag: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code of LOINC or SNOMED CT for exactly the score `scale`, or with "" for the whole panel."""

    system: str
    code: str
    scale: str


# How a score is named where no words are installed.
_RATED_BY = {Rater.THERAPIST: "therapist's rating"}


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One immutable version of a questionnaire; `digest` is the SHA-256 of its files."""

    name: str
    version: str
    title: str
    status: str
    date: str
    validated: bool
    source: str
    timing: str
    licence: Licence
    evidence: Mapping[str, Evidence]
    decimals: int
    items: Mapping[str, Item]
    scales: tuple[Scale, ...]
    forms: tuple["Form", ...]
    advice: Mapping[str, Advice]
    raw_facts: tuple[RawFact, ...]
    alert_items: tuple[str, ...]
    wordings: Mapping[str, Wording]
    digest: str
    codes: tuple[Code, ...] = ()

    def __hash__(self) -> int:
        """Let what is made of an instrument be kept: equal ones come from equal files."""
        return hash(self.digest)

    @property
    def method_code(self) -> str:
        """The code that carries name and version with every score, e.g. `visit-check-in-1.0.0`."""
        return f"{self.name}-{self.version}"

    @property
    def answers_system(self) -> str:
        """The code system of the answer options."""
        return canonical("CodeSystem", f"{self.name}-answers")

    @property
    def profiled(self) -> bool:
        """Whether what is written fits our profiles: they bind the codes that we publish, a draft's are not yet."""
        return self.own is None and self.status != "draft"

    @property
    def own(self) -> OwnForm | None:
        """What the site's own form says, when the instrument was not made from a definition of ours."""
        return self.forms[0].own

    def system(self, scale: str = "") -> str:
        """Return the code system of the code of a scale, or of the whole panel."""
        return self.own.code(scale).system if self.own else ALLIANCE

    def code(self, rater: Rater, scale: str = "") -> str:
        """Return the code of a scale, or of the whole panel; the raters never share one."""
        if self.own:
            return self.own.code(scale).code
        rated_by = "" if rater is Rater.PATIENT else rater.value
        return "-".join(part for part in (self.name, rated_by, scale) if part)

    def other_codings(self, rater: Rater, scale: str = "") -> list[dict[str, str]]:
        """Return what others call a scale, or the panel, as FHIR Codings; none for a therapist's rating."""
        mine = self.codes if rater is Rater.PATIENT else ()
        return [{"system": each.system, "code": each.code} for each in mine if each.scale == scale]

    def display(self, rater: Rater, scale: str = "", language: str = "en") -> str:
        """Return the name of a scale, or of the whole panel, as a chart shows it."""
        words = self.wordings.get(language)
        if self.own:
            return self.own.code(scale).display
        titles = words.scores if words else {each.name: each.title for each in self.scales}
        title, rated_by = (words.title, words.raters) if words else (self.title, _RATED_BY)
        name = f"{title} {titles[scale]}" if scale else title
        return name if rater is Rater.PATIENT else f"{name}, {rated_by[rater]}"

    def form(self, rater: Rater, name: str) -> "Form":
        """Return one form; KeyError when there is none of that name for that rater."""
        for form in self.forms:
            if (form.rater, form.form) == (rater, name):
                return form
        raise KeyError(f"{self.name} has no form {rater}-{name}")

    def forms_of(self, rater: Rater) -> list["Form"]:
        """Return the forms for a rater, the usual one first; empty when this rater is not asked."""
        return [form for form in self.forms if form.rater is rater]

    def advised_form(self, visit: int | None) -> str:
        """Return the name of the form advised at a visit; the first form when no other is, or the visit is unknown."""
        advised = [name for name, advice in self.advice.items() if visit and advice.holds(visit)]
        return advised[0] if advised else self.forms[0].form


@dataclass(frozen=True, kw_only=True)
class Form:
    """The questions one rater is asked at one visit; published as one Questionnaire.

    `own_url` is the canonical URL of a form that was not made from a definition of ours, `own` what a site's says.
    """

    instrument_name: str
    version: str
    rater: Rater
    form: str
    layout: tuple[Part, ...]
    scales: tuple[Scale, ...]
    own_url: str = ""
    own: OwnForm | None = None

    @property
    def name(self) -> str:
        """The name in the canonical URL, e.g. `visit-check-in-patient-core`."""
        return f"{self.instrument_name}-{self.rater}-{self.form}"

    @property
    def url(self) -> str:
        """The canonical URL without its version."""
        return self.own_url or canonical("Questionnaire", self.name)

    @property
    def canonical(self) -> str:
        """The canonical URL pinned to its version, as a response names it."""
        return f"{self.url}|{self.version}"

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every question, in the order asked."""
        return tuple(questions(self.layout))

    @cached_property
    def by_link_id(self) -> Mapping[str, Item]:
        """The items by linkId, in the order asked."""
        return {item.link_id: item for item in self.items}

    @property
    def counted_items(self) -> tuple[Item, ...]:
        """The items by which progress is counted: a definition's closing questions stand outside, others ask alike."""
        return self.items if self.own_url else self.scored_items

    @property
    def scored_items(self) -> tuple[Item, ...]:
        """The items whose answers are numbers."""
        return tuple(item for item in self.items if item.scored)
