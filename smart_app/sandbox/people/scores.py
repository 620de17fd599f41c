"""The scores of the visit check-in: means of the answered items, in decimal arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_PLACES = Decimal("0.0001")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One score: the end of its code and name, its items, and how many of them must be answered."""

    code: str
    name: str
    items: tuple[int, ...]
    at_least: int

    def answered(self, answers: Mapping[int, int]) -> int:
        """Return how many of the scale's items were answered."""
        return sum(item in answers for item in self.items)

    def score(self, answers: Mapping[int, int]) -> Decimal | None:
        """Return the mean of the answered items (0 to 10, four decimals, half up), None with too few answers."""
        given = [Decimal(answers[item]) for item in self.items if item in answers]
        if len(given) < self.at_least:
            return None
        return (sum(given, Decimal(0)) / len(given)).quantize(_PLACES, rounding=ROUND_HALF_UP)


CORE_SCALES: tuple[Scale, ...] = (Scale(code="core", name="core score", items=(1, 2, 3, 4, 5, 6), at_least=5),)

FULL_SCALES: tuple[Scale, ...] = (
    *CORE_SCALES,
    Scale(code="full", name="full score", items=tuple(range(1, 13)), at_least=10),
    Scale(code="bond-openness", name="bond and openness", items=(1, 2, 3, 7, 9), at_least=4),
    Scale(code="goals", name="goals", items=(5, 10), at_least=2),
    Scale(code="tasks-collaboration", name="tasks and collaboration", items=(6, 8), at_least=2),
    Scale(code="safety-boundaries", name="safety and boundaries", items=(4, 11, 12), at_least=2),
)
