"""Rupture and repair: a fall from what was usual lately, and whether the ratings came back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

VERSION: Final = "1"
_WINDOW: Final = 6
_FEWEST_CHANGES: Final = 3
_PATIENCE: Final = 5


class Level(StrEnum):
    """How large the fall was: one or two of the larger of both spreads."""

    POSSIBLE = "possible"
    MARKED = "marked"


class Ending(StrEnum):
    """What became of an episode by the last rating."""

    OPEN = "open"
    REPAIRED = "repaired"
    FULLY = "fully repaired"
    UNREPAIRED = "unrepaired"


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What falls on one scale are measured with, in units of the score.

    `between` is the SD of changes from visit to visit in a reference sample, `floor` the least threshold, `error` the
    standard error of measurement (0 where it is not known: fully repaired is then the reference itself).
    """

    between: Decimal
    floor: Decimal = Decimal(0)
    error: Decimal = Decimal(0)


class Episode(NamedTuple):
    """One fall; `opened`, `lowest` and `ended` count the ratings from 1.

    `reference` is the best of the six ratings before it, `threshold` what both the fall and the rise had to reach,
    `trough` the lowest rating since.
    """

    level: Level
    opened: int
    reference: Decimal
    threshold: Decimal
    trough: Decimal
    lowest: int
    ending: Ending = Ending.OPEN
    ended: int | None = None

    @property
    def drop(self) -> Decimal:
        """How far the ratings fell, from the reference to the lowest."""
        return self.reference - self.trough


class Falls(NamedTuple):
    """The watch for falls of one level; `after` adds a rating in constant time and never looks ahead.

    Rule set version 1, our operational form of the criteria of Stiles 2004, Strauss 2006 and Gumz 2012 (reference
    5.4). s = max(SD of this person's changes before this visit, where there are at least three; `between`); threshold
    = max(k * s, floor), k = 1 possible, 2 marked. Opens when the best of the six ratings before exceeds this one by
    the threshold. Repaired when a rating exceeds the trough by the same threshold, fully when it also comes within the
    standard error of the reference; unrepaired five ratings after the trough. One episode at a time.
    """

    level: Level
    yardstick: Yardstick
    ratings: int = 0
    recent: tuple[Decimal, ...] = ()
    changes: int = 0
    changed: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)
    episode: Episode | None = None

    def after(self, value: Decimal) -> "Falls":
        """Return the watch with one more rating; `episode` is the one that is open, or that has just ended."""
        number = self.ratings + 1
        going_on = self.episode if self.episode and self.episode.ending is Ending.OPEN else None
        episode = self._followed(going_on, number, value) if going_on else self._opened(number, value)
        before = self.recent[-1] if self.recent else value
        change = value - before
        return Falls(
            level=self.level,
            yardstick=self.yardstick,
            ratings=number,
            recent=(*self.recent[-(_WINDOW - 1) :], value),
            changes=self.changes + 1 if self.recent else 0,
            changed=self.changed + change,
            squares=self.squares + change**2,
            episode=episode,
        )

    @property
    def threshold(self) -> Decimal:
        """What the next rating would have to fall by."""
        spread = max(self.yardstick.between, self.own_spread or Decimal(0))
        return max((2 if self.level is Level.MARKED else 1) * spread, self.yardstick.floor)

    @property
    def own_spread(self) -> Decimal | None:
        """The SD of this person's changes so far; None for fewer than three."""
        n = self.changes
        if n < _FEWEST_CHANGES:
            return None
        # Sums, not means: exact in decimals, so that a fall of just the threshold is one wherever the scale begins.
        return ((n * self.squares - self.changed**2) / (n * (n - 1))).sqrt()

    def _opened(self, number: int, value: Decimal) -> Episode | None:
        best = max(self.recent, default=value)
        # Most ratings are no fall at all, and the threshold has a root in it.
        if best <= value or not 0 < (threshold := self.threshold) <= best - value:
            return None
        return Episode(
            level=self.level,
            opened=number,
            reference=best,
            threshold=threshold,
            trough=value,
            lowest=number,
        )

    def _followed(self, episode: Episode, number: int, value: Decimal) -> Episode:
        if value < episode.trough:
            return episode._replace(trough=value, lowest=number)
        if value - episode.trough >= episode.threshold:
            fully = value >= episode.reference - self.yardstick.error
            return episode._replace(ending=Ending.FULLY if fully else Ending.REPAIRED, ended=number)
        if number - episode.lowest >= _PATIENCE:
            return episode._replace(ending=Ending.UNREPAIRED, ended=number)
        return episode


def find_episodes(values: Iterable[Decimal], level: Level, yardstick: Yardstick) -> Iterator[Episode]:
    """Yield the episodes of one level that the ratings hold, oldest first; the last may be open."""
    falls, unfinished = Falls(level=level, yardstick=yardstick), None
    for value in values:
        falls = falls.after(value)
        unfinished = falls.episode
        if unfinished and unfinished.ending is not Ending.OPEN:
            yield unfinished
            unfinished = None
    if unfinished:
        yield unfinished


def end_treatment(episode: Episode, number: int) -> Episode:
    """Return an episode as it stands when treatment ends with rating `number`: what is open was not repaired."""
    if episode.ending is not Ending.OPEN:
        return episode
    return episode._replace(ending=Ending.UNREPAIRED, ended=number)
