"""Visits without an answer: a fact of their own, never a low value."""

from collections.abc import Collection, Iterable
from typing import NamedTuple


class Gaps(NamedTuple):
    """How many of the visits so far have no answer, and how many of the last ones running; `after` adds a visit.

    `since` and `last` are the numbers of the first and the last visit of those running.
    """

    visits: int = 0
    missed: int = 0
    running: int = 0
    since: int = 0
    last: int = 0

    def after(self, visit: int, *, answered: bool) -> "Gaps":
        """Return the gaps with one more visit, whose form was answered or can no longer be."""
        return Gaps(
            visits=self.visits + 1,
            missed=self.missed + (not answered),
            running=0 if answered else self.running + 1,
            since=self.since if self.running else visit,
            last=visit,
        )


def gaps_of(visits: Iterable[int], answered: Collection[int]) -> Gaps:
    """Return the gaps of visits, by number and oldest first; leave out one whose form can still be answered."""
    gaps = Gaps()
    for visit in visits:
        gaps = gaps.after(visit, answered=visit in answered)
    return gaps
