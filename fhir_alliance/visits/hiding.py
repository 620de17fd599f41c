"""Hiding small counts, so that no figure tells of one patient."""

from collections.abc import Mapping
from typing import Final

FEWEST: Final = 5
"""The smallest count that is shown; our own choice, the usual one of health statistics."""


def hidden(parts: Mapping[str, int]) -> dict[str, int | None]:
    """Return the parts of a total that is shown, with None for what would tell of fewer than FEWEST.

    None could be found out by subtraction: at least two parts are hidden, and together they are no fewer than FEWEST;
    where that cannot be, nothing is shown. A part that is 0 is shown while that does not give another one away.
    """
    secret = {name for name, count in parts.items() if 0 < count < FEWEST}
    others = sorted((name for name, count in parts.items() if count >= FEWEST), key=lambda name: (parts[name], name))
    while secret and (len(secret) < 2 or sum(parts[name] for name in secret) < FEWEST):
        if not others:
            return dict.fromkeys(parts, None)
        secret.add(others.pop(0))
    return {name: None if name in secret else count for name, count in parts.items()}


def hidden_part(part: int, total: int) -> int | None:
    """Return a part of a total that is shown; None where it, or what is left of the total, is of too few."""
    return None if 0 < part < FEWEST or 0 < total - part < FEWEST else part
