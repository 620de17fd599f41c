"""How many visits the evidence shows: the last 6, the last 12, or all; every panel follows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from smart_app.web.saying import say

_SIZES: Final = (6, 12)
_ALL: Final = "all"
WINDOWS: Final = (*(str(size) for size in _SIZES), _ALL)
"""What an address can ask for, as it says it."""

# Up to this many visits are told apart at a glance; of more, the last twelve are shown unless somebody asks for others.
_AT_A_GLANCE: Final = 36
# A mark of each visit is still seen as one on a screen; of more nobody could read a value.
MOST: Final = 240
COLUMNS: Final = 6  # how many visits fit beside the words of an item in a 480 px frame
MOST_COLUMNS: Final = 12  # of those who ask for more and scroll; the newest must stay in sight on a desk


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One window as it is offered; `last` goes into the address."""

    label: str
    last: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Window:
    """The last visits that are shown, and what else is offered.

    `columns` is how many of them stand side by side in a table, `left_out` says what no choice shows.
    """

    visits: int
    columns: int
    choices: tuple[Choice, ...]
    left_out: str = ""


def window_of(wanted: str, count: int) -> Window:
    """Return the window over so many visits; `wanted` is a size or "all", anything else the usual window."""
    sizes = {str(size): size for size in _SIZES if size < count} | {_ALL: min(count, MOST)}
    usual = _ALL if count <= _AT_A_GLANCE else str(_SIZES[-1])
    chosen = wanted if wanted in sizes else usual
    return Window(
        visits=sizes[chosen],
        columns=min(sizes[chosen], MOST_COLUMNS) if wanted in sizes else COLUMNS,
        choices=tuple(_choices(sizes, chosen, count)) if len(sizes) > 1 else (),
        left_out=_left_out(count) if count > MOST else "",
    )


def _left_out(count: int) -> str:
    return say(
        "The oldest %(number)s of %(total)s visits are in the health record only.", number=count - MOST, total=count
    )


def _choices(sizes: dict[str, int], chosen: str, count: int) -> Iterator[Choice]:
    for last, size in sizes.items():
        label = say("All %(number)s", number=count) if size == count else say("Last %(number)s", number=size)
        yield Choice(label=label, last=last, chosen=last == chosen)
