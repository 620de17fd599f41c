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
    """When a form is asked; any one of its parts is enough.

    At the `visits` (numbers from 1) and every `then_every` after the last of them, once `months` have passed since it
    was asked last, and `after_flag` at the first visit after something was worth a look.
    """

    visits: frozenset[int] = frozenset()
    then_every: int | None = None
    months: int | None = None
    after_flag: bool = False

    def names(self, number: int | None) -> bool:
        """Whether a visit is named by its number; one whose number is not known (None) is where every visit is."""
        if number is None:
            return self.then_every == 1 and bool(self.visits) and self.visits == set(range(1, len(self.visits) + 1))
        later = number - max(self.visits, default=number)
        repeated = self.then_every is not None and later > 0 and later % self.then_every == 0
        return number in self.visits or repeated


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
