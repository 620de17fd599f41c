"""Which ruptures and repairs are drawn into a course, and where; only a marked one may also be a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.sentences import Sentence
from fhir_alliance.trajectory.rules import RULES
from fhir_alliance.trajectory.ruptures import Ending, Episode, Level, find_episodes

_REPAIRS: Final[Mapping[Ending, Sentence]] = {
    Ending.REPAIRED: Sentence("repaired"),
    Ending.FULLY: Sentence("fully repaired"),
}
_RUPTURES: Final[Mapping[Ending, Sentence]] = {
    Ending.REPAIRED: Sentence("marked rupture"),
    Ending.FULLY: Sentence("marked rupture"),
    Ending.OPEN: Sentence("marked rupture, open"),
    Ending.UNREPAIRED: Sentence("marked rupture, unrepaired"),
}
# Most possible ruptures are steady courses going up and down (reference 5.7), so nothing is said of how they end.
_SMALL: Final[Mapping[bool, Sentence]] = {False: Sentence("small fall"), True: Sentence("risen again")}


@dataclass(frozen=True, kw_only=True)
class Sign:
    """A rupture, or the repair that ends one: `rating` counts the ratings from 1, `ending` is what became of it."""

    rating: int
    is_repair: bool
    level: Level
    ending: Ending

    @property
    def words(self) -> Sentence:
        """What the sign says, for those who read it out: it names what was found and judges nobody."""
        if self.level is Level.POSSIBLE:
            return _SMALL[self.is_repair]
        return (_REPAIRS if self.is_repair else _RUPTURES)[self.ending]


def signs_of(values: Sequence[Decimal], scale: Scale) -> tuple[Sign, ...]:
    """Return the signs of a person's ratings, oldest first, at most one for each.

    Rule set as `Falls` has it. Of a possible and a marked episode that overlap only the marked one is drawn: both are
    the same fall. Nothing where nobody has said that more is better, or what the ends of the scale are.
    """
    if not scale.has_range or not scale.more_is_better:
        return ()
    yardstick = RULES.start(scale).marked.yardstick
    marked = tuple(find_episodes(values, Level.MARKED, yardstick))
    possible = find_episodes(values, Level.POSSIBLE, yardstick)
    drawn = (*marked, *(each for each in possible if not any(_overlap(each, other) for other in marked)))
    return tuple(sorted((sign for each in drawn for sign in _signs(each)), key=lambda sign: sign.rating))


def _overlap(one: Episode, other: Episode) -> bool:
    return (one.ended is None or other.opened <= one.ended) and (other.ended is None or one.opened <= other.ended)


def _signs(episode: Episode) -> tuple[Sign, ...]:
    opened = Sign(rating=episode.opened, is_repair=False, level=episode.level, ending=episode.ending)
    if episode.ended is None or episode.ending is Ending.UNREPAIRED:
        return (opened,)
    return opened, Sign(rating=episode.ended, is_repair=True, level=episode.level, ending=episode.ending)
