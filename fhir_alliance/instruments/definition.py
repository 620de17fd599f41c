"""An instrument and its forms as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fhir_alliance.instruments.facts import Advice, Code, Evidence, RawFact
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.layout import Part, questions
from fhir_alliance.instruments.own import OwnForm
from fhir_alliance.instruments.precision import Origin, Precision
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Licence, Rater, Wording
from fhir_alliance.terms import ALLIANCE, canonical

# How a score is named where no words are installed.
_RATED_BY = {Rater.THERAPIST: "therapist's rating"}


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One immutable version of a questionnaire; `digest` is the SHA-256 of its files.

    `precision` has the figures, by rater and score, that somebody has published, that were computed from such, or that
    the site has of its own.
    """

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
    advice: Mapping[tuple[Rater, str], Advice]
    raw_facts: tuple[RawFact, ...]
    alert_items: tuple[str, ...]
    wordings: Mapping[str, Wording]
    digest: str
    codes: tuple[Code, ...] = ()
    precision: Mapping[tuple[Rater, str], Precision] = field(default_factory=dict)

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

    @property
    def measured_here(self) -> Precision | None:
        """The site's own figures of the patient's first score, the one that is followed; None where it has none."""
        found = self.precision.get((Rater.PATIENT, self.scales[0].name)) if self.scales else None
        return found if found and found.origin is Origin.SITE else None

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

    def noticed(self, given: Mapping[str, str]) -> list[str]:
        """Return which of the answers given (linkId to code) a clinician is shown as they are, by linkId."""
        return [fact.item for fact in self.raw_facts if fact.item in given and self._holds(fact, given[fact.item])]

    def _holds(self, fact: RawFact, code: str) -> bool:
        values = {option.code: option.value for option in self.items[fact.item].options}
        value = values[code]
        return code in fact.any_of or (value is not None and fact.at_most is not None and value <= fact.at_most)

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
        """Return the name of the patient's form advised at a visit, the longest of several, else the first form.

        It goes by the visit's number; without one (None) it is what is advised at each visit.
        """
        advised = [
            self.form(rater, name)
            for (rater, name), advice in self.advice.items()
            if rater is Rater.PATIENT and advice.names(visit)
        ]
        return max(advised, key=lambda form: len(form.items)).form if advised else self.forms[0].form


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
