"""Our colours, those of an EHR in their place, and which of them must be told apart."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from smart_app.web.look.colours import BLACK, WHITE, Colour, contrast, luminance, mix, read_colour

Palette = Mapping[str, Colour]
"""The colours of a page by the names of their custom properties."""


class Pair(NamedTuple):
    """A colour on another, with the least contrast they may have."""

    front: str
    back: str
    least: float


TEXT: Final = 4.5
GRAPHIC: Final = 3.0


def _colours(**values: str) -> Palette:
    return {name.replace("_", "-"): read_colour(value) or BLACK for name, value in values.items()}


LIGHT: Final = _colours(
    paper="#f7f6f2", card="#fff", ink="#18222d", soft="#48535f", line="#d8d6cf", edge="#78828d",
    accent="#0b5563", on_accent="#fff", tint="#e3eff0",
    look="#7a4300", look_tint="#fbf0dd", talk="#6d2a63", ok="#12573a", stop="#8c1d18", rated="#0b5563",
)  # fmt: skip
DARK: Final = _colours(
    paper="#11171c", card="#1a2228", ink="#edf1f3", soft="#b3bfc8", line="#34404a", edge="#82909c",
    accent="#86d3df", on_accent="#05262c", tint="#16343a",
    look="#f1bd76", look_tint="#32281a", talk="#e3a8da", ok="#8fd6b0", stop="#ffb4ab", rated="#86d3df",
)  # fmt: skip

PAIRS: Final = (
    *(Pair(front, back, TEXT) for front in ("ink", "soft", "accent", "stop") for back in ("paper", "card", "tint")),
    Pair("ink", "look-tint", TEXT),
    Pair("talk", "paper", TEXT),
    Pair("on-accent", "accent", TEXT),
    *(Pair("ink", f"s{step}", TEXT) for step in (1, 2, 3, 4)),
    *(Pair(front, back, GRAPHIC) for front in ("edge", "ok", "talk") for back in ("paper", "card")),
    Pair("look", "look-tint", GRAPHIC),
    Pair("rated", "card", GRAPHIC),
)
"""What the stylesheet puts on what: text, and the lines and edges that say something (WCAG 2.2, 1.4.3 and 1.4.11)."""

# Cells of the table of answers, darker where a rating is lower: as much of the series' own colour over the card.
_SHADES: Final = {"s1": 0.08, "s2": 0.17, "s3": 0.27, "s4": 0.38}
_TINT: Final = 0.12
_LIFT: Final = 0.02
_MIDDLE: Final = 0.18  # as far from black as from white


def with_ehr_colours(**wanted: Colour | None) -> tuple[Palette, Palette]:
    """Return our palette with what fits of the EHR's, by our names for them, and the one of ours that was the start.

    The EHR's paper decides which that is. Each colour is judged by itself, in the order given, so that one that cannot
    be read does not take the others along.
    """
    paper = wanted.get("paper")
    ours = DARK if paper and luminance(paper) < _MIDDLE else LIGHT
    found = ours
    for name, colour in wanted.items():
        if colour:
            tried = {**found, **_change(name, colour, found, dark=ours is DARK)}
            found = tried if legible(tried) else found
    return found, ours


def legible(palette: Palette) -> bool:
    """Whether every pair of a palette can be told apart."""
    shades = {name: mix(palette["rated"], palette["card"], share) for name, share in _SHADES.items()}
    seen = {**palette, **shades}
    return all(contrast(seen[pair.front], seen[pair.back]) >= pair.least for pair in PAIRS)


def _change(name: str, colour: Colour, found: Palette, *, dark: bool) -> Palette:
    """Return what a colour brings along: cards a little above dark paper, text on the accent, a tint of it."""
    if name == "paper" and dark:
        return {"paper": colour, "card": mix(WHITE, colour, _LIFT)}
    if name == "accent":
        on_accent = max(WHITE, BLACK, key=lambda front: contrast(front, colour))
        return {"accent": colour, "on-accent": on_accent, "tint": mix(colour, found["card"], _TINT)}
    return {name: colour}
