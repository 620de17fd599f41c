"""What a definition says beside its items and scores: facts to show, visits advised, evidence, codes of others."""

from dataclasses import dataclass
from decimal import Decimal


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
