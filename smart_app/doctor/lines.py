"""Lines of the width that all tables of doctor have."""

import textwrap
from typing import Final

WIDTH: Final = 100


def wrapped(text: str, *, indent: str = "", first: str | None = None) -> list[str]:
    """Return a sentence as lines of the table's width, the `first` of which may begin otherwise than the rest."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent, break_on_hyphens=False
    )
