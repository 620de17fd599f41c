"""The person's own usual range: what their first visits vary by, as an individuals control chart tells it."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.trajectory.series import Rating, UsualRange

# An individuals chart needs four ratings to say anything; the baseline is frozen at five, so that it cannot creep.
LEAST, MOST = 4, 5
_MOVING_RANGE_TO_SIGMA = Decimal("1.128")
_WIDTH = 2
# Somebody who always answers alike would signal at any slip: the spread is never taken as less than 5 % of the scale.
_FLOOR = Decimal("0.05")


def usual_range(earlier: Sequence[Rating], scale: Scale) -> UsualRange | None:
    """Return the usual range from the ratings before the one that is compared, oldest first; None for fewer than four.

    Mean of the first five, plus and minus two sigma; sigma = mean moving range / 1.128 (individuals chart; Shewhart,
    used on alliance scores by Lipner 2022), at least 5 % of the scale; cut at the ends of the scale. It describes
    this person's own ratings and is no norm.
    """
    baseline = earlier[:MOST]
    if len(baseline) < LEAST:
        return None
    centre = sum((rating.value for rating in baseline), Decimal(0)) / len(baseline)
    moves = [abs(later.value - before.value) for before, later in pairwise(baseline)]
    sigma = max(sum(moves, Decimal(0)) / len(moves) / _MOVING_RANGE_TO_SIGMA, _FLOOR * (scale.maximum - scale.minimum))
    low, high = centre - _WIDTH * sigma, centre + _WIDTH * sigma
    return UsualRange(
        low=max(scale.minimum, low) if scale.has_range else low,
        high=min(scale.maximum, high) if scale.has_range else high,
        first_visit=baseline[0].visit,
        last_visit=baseline[-1].visit,
    )
