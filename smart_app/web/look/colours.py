"""Colours as numbers: hex notation, mixing, and the contrast of two of them."""

import re
from typing import Final

Colour = tuple[float, float, float]
"""Red, green and blue of sRGB, each 0 to 1."""

WHITE: Final = (1.0, 1.0, 1.0)
BLACK: Final = (0.0, 0.0, 0.0)
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def read_colour(value: object) -> Colour | None:
    """Read #rgb or #rrggbb; None for anything else, also for what is transparent: what is behind it is not known."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        return None
    digits = value[1:] if len(value) == len("#rrggbb") else "".join(digit * 2 for digit in value[1:])
    red, green, blue = bytes.fromhex(digits)
    return red / 255, green / 255, blue / 255


def hex_of(colour: Colour) -> str:
    """Return #rrggbb."""
    return "#" + bytes(round(part * 255) for part in colour).hex()


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return `share` of one colour over the other, as a browser paints it with that opacity."""
    red, green, blue = (share * a + (1 - share) * b for a, b in zip(one, other, strict=True))
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Return the relative luminance (WCAG 2.2), 0 for black to 1 for white."""
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio (WCAG 2.2), 1 for the same colour to 21 for black on white."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
