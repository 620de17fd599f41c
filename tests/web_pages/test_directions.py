"""Style sheets name starts and ends, never left and right, so that every page can run from right to left."""

import re
from collections.abc import Iterator
from pathlib import Path

import gallery
import pytest

SHEETS = sorted((gallery.WEB / "templates").glob("*.css"))
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DECLARATION = re.compile(r"([\w-]+)\s*:\s*([^;{}]+)")
_SIDE = re.compile(r"(?:^|-)(?:left|right)(?:-|$)")
_SIDED = ("text-align", "float", "clear", "justify-content", "justify-items", "justify-self", "transform-origin")
_FOUR_SIDES = ("margin", "padding", "inset", "border-width", "border-style", "border-color", "border-radius")


def physical(sheet: str) -> Iterator[str]:
    """Yield each declaration that means one side of the screen, whichever way the page runs."""
    for name, value in _DECLARATION.findall(_COMMENT.sub("", sheet)):
        words = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", value)).split()
        four = name in _FOUR_SIDES and len(words) == 4 and words[1] != words[3]
        if _SIDE.search(name) or (name in _SIDED and {"left", "right"} & set(words)) or four:
            yield f"{name}: {value.strip()}"


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_no_style_sheet_names_a_side(sheet: Path) -> None:
    """Nothing is placed, spaced or aligned by left or right."""
    assert list(physical(sheet.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "declaration",
    [
        *("left: 1rem", "margin-right: 0", "border-left: 1px solid red", "border-top-left-radius: 1px"),
        *("text-align: left", "float: right", "padding: 0 1px 0 2px", "margin: 0 calc(1px * (2 + 1)) 0 0"),
    ],
)
def test_a_side_is_found(declaration: str) -> None:
    """Each way to name a side is refused; starts, ends and equal sides are not."""
    assert list(physical(f".x {{ color: red; {declaration}; }}")) == [declaration]
    assert list(physical(".x { inset-inline-start: 0; text-align: end; padding: 0 1px 2px 1px; }")) == []
