"""What stands on the axis of a trend beside its values: ruptures and repairs, and where the instrument changed."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AxisSign:
    """A rupture or a repair at the visit of a place, counted from 0; one of a marked episode is filled."""

    place: int
    is_repair: bool
    is_marked: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """From the visit of this place on the score was made in another way, as the label says."""

    place: int
    label: str


@dataclass(frozen=True, kw_only=True)
class LaidSign:
    """A sign with its place on the axis."""

    x: float
    is_repair: bool
    is_marked: bool


@dataclass(frozen=True, kw_only=True)
class LaidChange:
    """The line between the visits before and after a change."""

    x: float
    label: str


def lay_signs(signs: Sequence[AxisSign], xs: Sequence[float]) -> tuple[LaidSign, ...]:
    """Put each sign under its visit."""
    return tuple(LaidSign(x=xs[each.place], is_repair=each.is_repair, is_marked=each.is_marked) for each in signs)


def lay_changes(changes: Sequence[Change], slots: int, width: float) -> tuple[LaidChange, ...]:
    """Put each change at the edge before its visit."""
    return tuple(LaidChange(x=round(each.place * width / slots, 1), label=each.label) for each in changes)
