"""The sentence a clinician reads first: what was rated last, by whom, compared with what; it judges nobody."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.sentences import Counted, Number, Sentence, Series
from fhir_alliance.trajectory.control import LEAST
from fhir_alliance.trajectory.series import Rating, UsualRange
from fhir_alliance.trajectory.usual import usual_range

_SO_FAR: Final = {
    1: Sentence("One answered visit so far. A usual range needs four."),
    2: Sentence("Two answered visits so far. A usual range needs four."),
    3: Sentence("Three answered visits so far. A usual range needs four."),
    LEAST: Sentence("Four answered visits so far. The next can be compared with them."),
}


def first_line(name: str, ratings: Sequence[Rating], scale: Scale, *, whole: bool = True) -> str:
    """Return the first sentence about the ratings of one series, oldest first; `name` is who rated.

    A rating is compared with four before it, so the fifth is the first (reference 5.3). What three or four say is a
    level, for which nothing of this person's own is there to compare it with. Without the `whole` of the ratings
    the last one is told and compared with none.
    """
    if not ratings:
        return Sentence("No answers yet.") if whole else Sentence("No answers in what could be read.")
    last = ratings[-1]
    rated = Sentence("Last answer (%(day)s): %(value)s.", day=last.day, value=one_decimal(last.value))
    if not whole:
        return rated
    usual = usual_range(ratings[:-1], scale)
    if usual is None:
        return Series(" ", (rated, _SO_FAR[len(ratings)]))
    return Series(" ", (rated, _compared(name, ratings, usual)))


def _compared(name: str, ratings: Sequence[Rating], usual: UsualRange) -> Sentence:
    side = _side(ratings[-1].value, usual)
    outside = 0
    for rating in reversed(ratings):
        if rating.visit <= usual.last_visit or _side(rating.value, usual) != side:
            break
        outside += 1
    values = {
        "name": name,
        "low": one_decimal(usual.low),
        "high": one_decimal(usual.high),
        "first": usual.first_visit,
        "last": usual.last_visit,
    }
    if side == "below":
        return Counted(
            "%(name)s rated the last visit below the usual %(low)s to %(high)s (visits %(first)s to %(last)s).",
            "%(name)s rated the last %(number)s visits below the usual %(low)s to %(high)s "
            "(visits %(first)s to %(last)s).",
            outside,
            **values,
        )
    if side == "above":
        return Counted(
            "%(name)s rated the last visit above the usual %(low)s to %(high)s (visits %(first)s to %(last)s).",
            "%(name)s rated the last %(number)s visits above the usual %(low)s to %(high)s "
            "(visits %(first)s to %(last)s).",
            outside,
            **values,
        )
    return Sentence(
        "%(name)s rated the last visit within the usual %(low)s to %(high)s (visits %(first)s to %(last)s).", **values
    )


def _side(value: Decimal, usual: UsualRange) -> str:
    if value < usual.low:
        return "below"
    return "above" if value > usual.high else "within"


@lru_cache(maxsize=4096)  # a page says the same few values in its charts and its tables
def one_decimal(value: Decimal) -> Number:
    """Return a score as a screen shows it: one decimal, rounded half up, with a real minus sign."""
    rounded = value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP) + 0  # so that zero has no sign
    return Number(str(rounded).replace("-", "−"))
