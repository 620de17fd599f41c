"""The courses of care: how far a visit lies from what the patient usually answers."""

from collections.abc import Callable, Mapping

Course = Callable[[int, int, int], float]
"""(visit number, turn, number of visits) -> difference from the usual level, on the 0 to 10 scale."""

_RUPTURE_AND_REPAIR = (-3.7, -2.6, -0.9)


def _steady(_visit: int, _turn: int, _visits: int) -> float:
    """Return no difference: also the course of those who always answer 10 or see things unlike their therapist."""
    return 0.0


def _rising(visit: int, _turn: int, visits: int) -> float:
    """Rise in a straight line from 3.6 points below the level to the level."""
    return -3.6 * (visits - visit) / (visits - 1)


def _repair(visit: int, turn: int, _visits: int) -> float:
    """Fall sharply at the turn and be back three visits later."""
    after = visit - turn
    return _RUPTURE_AND_REPAIR[after] if 0 <= after < len(_RUPTURE_AND_REPAIR) else 0.0


def _unrepaired(visit: int, turn: int, _visits: int) -> float:
    """Fall at the turn and stay low."""
    return -3.1 if visit >= turn else 0.0


def _dropout(visit: int, turn: int, _visits: int) -> float:
    """Slide from the turn on, a little more at each visit."""
    return -0.8 * max(0, visit - turn + 1)


def _new_therapist(visit: int, turn: int, _visits: int) -> float:
    """Start over lower with the second therapist and grow back."""
    return min(0.0, -2.4 + 0.5 * (visit - turn)) if visit >= turn else 0.0


COURSES: Mapping[str, Course] = {
    "steady": _steady,
    "ceiling": _steady,
    "disagreement": _steady,
    "rising": _rising,
    "repair": _repair,
    "unrepaired": _unrepaired,
    "dropout": _dropout,
    "new-therapist": _new_therapist,
}
