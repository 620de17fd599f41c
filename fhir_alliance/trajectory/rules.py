"""The parameters of the rules by which a reason is raised; they were set by simulation (docs/reasons.md)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.trajectory.control import floor_of
from fhir_alliance.trajectory.course import Course
from fhir_alliance.trajectory.ruptures import Yardstick

# One or two items are too few to say anything of a domain.
FEWEST_ITEMS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One version of the rules: widths count sigmas of the person's own chart, shares are of the range of the scale.

    A rating is low when it lies `low_widths` under the mean of the first five. The weighted mean is low when it lies
    `slide_widths` of its own standard errors and `slide_share` under it. A marked rupture counts when the fall was
    `rupture_times` its threshold and the lowest rating lies `rupture_widths` and `rupture_share` under the mean.
    `spread_share` is the SD of changes from visit to visit where nobody knows that of a reference sample. Two ratings
    of one visit differ when the gap lies `differing_share` and more than error off the usual one; an early mean is low
    when it lies `early_widths` SDs between people under the site's.
    """

    version: str
    low_widths: Decimal
    slide_widths: Decimal
    slide_share: Decimal
    rupture_times: Decimal
    rupture_widths: Decimal
    rupture_share: Decimal
    spread_share: Decimal
    differing_share: Decimal
    early_widths: Decimal
    visits_differing: int
    visits_missed: int

    def start(self, scale: Scale) -> Course:
        """Return the course of a series on a scale, without a rating yet."""
        span = scale.maximum - scale.minimum
        return Course.start(
            floor=floor_of(scale.minimum, scale.maximum), yardstick=Yardstick(between=self.spread_share * span)
        )


RULES: Final = Rules(
    version="2",
    low_widths=Decimal("3.5"),
    slide_widths=Decimal("5.6"),
    slide_share=Decimal("0.12"),
    rupture_times=Decimal("1.5"),
    rupture_widths=Decimal(5),
    rupture_share=Decimal("0.3"),
    spread_share=Decimal("0.1"),
    differing_share=Decimal("0.25"),
    early_widths=Decimal("1.5"),
    visits_differing=5,
    visits_missed=2,
)
