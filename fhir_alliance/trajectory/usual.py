"""The usual range that the view shows: two sigmas of the person's own control chart to each side."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.trajectory.control import MOST, baseline, floor_of
from fhir_alliance.trajectory.series import Rating, UsualRange

_WIDTH: Final = Decimal(2)


def usual_range(earlier: Sequence[Rating], scale: Scale) -> UsualRange | None:
    """Return the usual range from the ratings before the one that is compared, oldest first; None for fewer than four.

    The warning limits of the control chart, cut at the ends of the scale. It describes this person's own ratings and
    is no norm.
    """
    first = earlier[:MOST]
    base = baseline([rating.value for rating in first], floor=floor_of(scale.minimum, scale.maximum))
    if base is None:
        return None
    low, high = base.below(_WIDTH), base.above(_WIDTH)
    return UsualRange(
        low=max(scale.minimum, low) if scale.has_range else low,
        high=min(scale.maximum, high) if scale.has_range else high,
        first_visit=first[0].visit,
        last_visit=first[-1].visit,
    )
