"""The sentence a clinician reads first: what was rated last, by whom, compared with what; it judges nobody."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.trajectory.control import LEAST
from fhir_alliance.trajectory.series import Rating, UsualRange
from fhir_alliance.trajectory.usual import usual_range

_COUNTS = {1: "One answered visit", 2: "Two answered visits", 3: "Three answered visits", LEAST: "Four answered visits"}


def first_line(name: str, ratings: Sequence[Rating], scale: Scale) -> str:
    """Return the first sentence about the ratings of one series, oldest first; `name` is who rated.

    A rating is compared with four before it, so the fifth is the first (reference 5.3). What three or four say is a
    level, for which nothing of this person's own is there to compare it with.
    """
    if not ratings:
        return "No answers yet."
    last = ratings[-1]
    rated = f"Last answer ({last.day}): {one_decimal(last.value)}."
    usual = usual_range(ratings[:-1], scale)
    if usual is None:
        following = "The next can be compared with them." if len(ratings) == LEAST else "A usual range needs four."
        return f"{rated} {_COUNTS[len(ratings)]} so far. {following}"
    return f"{rated} {_compared(name, ratings, usual)}"


def _compared(name: str, ratings: Sequence[Rating], usual: UsualRange) -> str:
    side = _side(ratings[-1].value, usual)
    outside = 0
    for rating in reversed(ratings):
        if rating.visit <= usual.last_visit or _side(rating.value, usual) != side:
            break
        outside += 1
    how_many = "the last visit" if outside == 1 or side == "within" else f"the last {outside} visits"
    span = f"{one_decimal(usual.low)} to {one_decimal(usual.high)}"
    return f"{name} rated {how_many} {side} the usual {span} (visits {usual.first_visit} to {usual.last_visit})."


def _side(value: Decimal, usual: UsualRange) -> str:
    if value < usual.low:
        return "below"
    return "above" if value > usual.high else "within"


def one_decimal(value: Decimal) -> str:
    """Return a score as a screen shows it: one decimal, rounded half up, with a real minus sign."""
    return str(value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)).replace("-", "−")
