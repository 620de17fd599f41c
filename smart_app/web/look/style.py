"""A SMART style document made into values that may stand in our stylesheet; whatever else it says is dropped."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from smart_app.web.look.colours import hex_of, read_colour
from smart_app.web.look.palette import DARK, with_ehr_colours

_LENGTH = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)(px|rem|em|pt)")
_PX: Final = {"px": 1.0, "rem": 16.0, "em": 16.0, "pt": 4 / 3}
_FAMILY = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ -][A-Za-z0-9]+){0,5}")
_GENERIC: Final = frozenset(
    {"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "ui-serif", "ui-sans-serif", "ui-rounded"}
)
# Pictures instead of letters: nobody could read the crisis line.
_PICTURES: Final = frozenset(
    {"webdings", "wingdings", "wingdings 2", "wingdings 3", "symbol", "marlett", "zapf dingbats", "zapfdingbats"}
)
_LONGEST: Final = 200
_MOST_FAMILIES: Final = 8


@dataclass(frozen=True, kw_only=True)
class Look:
    """Custom properties by name, each value in a form of our own; both empty when we look as always.

    `colours` is a whole palette, `dark` when its paper is; `shapes` are sizes and fonts.
    """

    colours: Mapping[str, str] = field(default_factory=dict)
    dark: bool = False
    shapes: Mapping[str, str] = field(default_factory=dict)


def read_look(values: Any) -> Look:
    """Read a style document (SMART App Launch 2.2, `smart_style_url`; spec row S35), as far as it can be used.

    Colours are hex and must leave everything legible, sizes have bounds, fonts are names of plain letters. Nothing
    raises: how we look never stands between a person and the form. `color_modal_backdrop` has nothing to colour here.
    """
    style = values if isinstance(values, Mapping) else {}
    wanted = {ours: read_colour(style.get(theirs)) for ours, theirs in _COLOURS.items()}
    palette, ours = with_ehr_colours(**wanted)
    shapes = {ours: read(style.get(theirs)) for ours, (theirs, read) in _SHAPES.items()}
    return Look(
        colours={name: hex_of(colour) for name, colour in palette.items()} if palette is not ours else {},
        dark=ours is DARK,
        shapes={name: value for name, value in shapes.items() if value},
    )


def _length(least: float, most: float) -> Callable[[object], str]:
    """Return what reads a length between two numbers of CSS pixels, and gives it in rem.

    It gives an empty text for everything else.
    """

    def read(value: object) -> str:
        found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        pixels = float(found[1]) * _PX[found[2]] if found else -1.0
        return f"{pixels / 16:g}rem" if least <= pixels <= most else ""

    return read


def _font_size(value: object) -> str:
    """Return the size of text as a share of what the person has set in the browser; never less than that."""
    length = _length(16, 20)(value)
    return f"{float(length.removesuffix('rem')) * 100:g}%" if length else ""


def _families(value: object) -> str:
    """Return the fonts that are named in plain letters, in quotes unless a family of CSS; ours come after them."""
    names = value.split(",") if isinstance(value, str) and len(value) <= _LONGEST else []
    plain = [name.strip().strip("\"'").strip() for name in names[:_MOST_FAMILIES]]
    usable = [name for name in plain if _FAMILY.fullmatch(name) and name.lower() not in _PICTURES]
    return ", ".join(name.lower() if name.lower() in _GENERIC else f'"{name}"' for name in usable)


_COLOURS: Final = {
    "paper": "color_background",
    "ink": "color_text",
    "accent": "color_highlight",
    "stop": "color_error",
    "ok": "color_success",
}
_SHAPES: Final[Mapping[str, tuple[str, Callable[[object], str]]]] = {
    "radius": ("dim_border_radius", _length(0, 16)),
    "size": ("dim_font_size", _font_size),
    "space": ("dim_spacing_size", _length(8, 24)),
    "body": ("font_family_body", _families),
    "heading": ("font_family_heading", _families),
}
