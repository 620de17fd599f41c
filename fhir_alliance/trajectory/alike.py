"""Answers that never differ: they may be true, or polite, or given without reading, and nobody can tell which."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

ENOUGH: Final = 5
"""How many answered visits running with the same answers say little; one or two may well be alike."""


def says_little(given: Sequence[Mapping[str, str] | None], items: Collection[str]) -> bool:
    """Whether the last five answered visits have the same answers, every one of `items` answered.

    `given` has the answers of each by item, oldest first, None where only a score is known. Items that are not asked at
    every visit may not differ between those that asked them either.
    """
    last = [each for each in given[-ENOUGH:] if each is not None and each.keys() >= set(items)]
    if len(last) < ENOUGH:
        return False
    return all(len({each[name] for each in last if name in each}) == 1 for name in set().union(*last))
