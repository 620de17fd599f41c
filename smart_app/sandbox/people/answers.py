"""What a synthetic patient or therapist answers on one form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

CORE = range(1, 7)
FULL = range(1, 13)

# Some things are easier to agree with than others: a little above or below the level of the visit.
_LEAN: Mapping[int, float] = {1: 0.2, 3: -0.5, 4: 0.5, 6: -0.2, 7: 0.5, 8: -0.3, 10: 0.3, 11: 0.4, 12: -0.2}
_SPREAD = 0.55
_MOOD = 0.4
_NOTICEABLE = -2.0
_SHARP = -3.3


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of one form: item number -> 0 to 10 (skipped items are absent), and the two closing questions."""

    items: Mapping[int, int]
    harder: str | None = None
    talk: str | None = None


def rate(chance: Random, items: Iterable[int], *, level: float, skips: float) -> Mapping[int, int]:
    """Answer `items` around `level`, in the mood of the day; each one is skipped with the chance `skips`."""
    today = chance.gauss(level, _MOOD)
    rated = {item: chance.gauss(today + _LEAN.get(item, 0.0), _SPREAD) for item in items}
    return {item: min(10, max(0, round(value))) for item, value in rated.items() if chance.random() >= skips}


def close(chance: Random, change: float) -> tuple[str, str | None]:
    """Answer "made it harder" and "talk about it" for a visit that lies `change` from the usual level."""
    if change > _NOTICEABLE:
        return "no", None
    return ("yes" if change <= _SHARP else "a-little"), ("yes" if chance.random() < 0.7 else "no")
