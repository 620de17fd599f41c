"""One series followed visit by visit: what every method knows of it up to the last rating."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from fhir_alliance.trajectory.control import ControlChart
from fhir_alliance.trajectory.ruptures import Falls, Level, Yardstick
from fhir_alliance.trajectory.slide import WeightedMean


class Standing(NamedTuple):
    """How far a rating lies under the centre of its baseline: in points of the score and in sigmas, negative above."""

    points: Decimal
    widths: Decimal


class Course(NamedTuple):
    """The ratings of one series so far, as the methods see them; `after` takes constant time, nothing looks ahead.

    `marked` watches for marked falls; a possible one is drawn and never a reason. `standing` and `before` are how low
    the last rating and the one before it lie under the baseline of the first five, None as long as there is none or no
    spread in it; so is `slide`.
    """

    chart: ControlChart
    marked: Falls
    slide: WeightedMean | None = None
    standing: Standing | None = None
    before: Standing | None = None

    @classmethod
    def start(cls, *, floor: Decimal, yardstick: Yardstick) -> "Course":
        """Return a course without a rating; `floor` is the least sigma of its control chart."""
        return cls(
            chart=ControlChart(floor=floor),
            marked=Falls(level=Level.MARKED, yardstick=yardstick),
        )

    def after(self, value: Decimal) -> "Course":
        """Return the course with one more rating."""
        chart = self.chart.after(value)
        return self._replace(
            chart=chart,
            marked=self.marked.after(value),
            slide=self.slide.after(value) if self.slide else _slide(chart),
            standing=_standing(chart, value) if self.chart.is_settled else None,
            before=self.standing,
        )

    def over(self, values: Iterable[Decimal]) -> "Course":
        """Return the course with more ratings, oldest first."""
        course = self
        for value in values:
            course = course.after(value)
        return course


def _slide(chart: ControlChart) -> WeightedMean | None:
    return WeightedMean.over(chart.base, chart.first) if chart.base and chart.is_settled else None


def _standing(chart: ControlChart, value: Decimal) -> Standing | None:
    if chart.against is None or chart.below is None:
        return None
    return Standing(points=chart.against.centre - value, widths=chart.below)
