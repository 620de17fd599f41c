"""A look as the end of the stylesheet that each page carries inside."""

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from smart_app.web.look.style import Look

# Who asks for more contrast, or has asked for the dark, gets that, and paper gets our own colours.
_SCREEN: Final = "screen and (not (prefers-contrast: more))"
_LIGHT: Final = f"{_SCREEN} and (prefers-color-scheme: light)"
_FALLBACK: Final = "system-ui, sans-serif"
_FONTS: Final = ("body", "heading")


def stylesheet(look: Look) -> Markup:
    """Return the rules that set the custom properties of a look; empty when we look as always."""
    shapes = {name: f"{value}, {_FALLBACK}" if name in _FONTS else value for name, value in look.shapes.items()}
    rules = [_root(shapes)] if shapes else []
    if look.colours:
        scheme = {"color-scheme": "dark"} if look.dark else {}
        rules.append(f"@media {_SCREEN if look.dark else _LIGHT} {{ {_root(look.colours, scheme)} }}")
    # Nothing is escaped inside a style element; every value was put together from letters that end nothing there.
    return Markup("\n".join(rules))  # noqa: S704  # see above


def _root(properties: Mapping[str, str], more: Mapping[str, str] | None = None) -> str:
    named = {f"--{name}": value for name, value in properties.items()} | dict(more or {})
    return ":root { " + " ".join(f"{name}: {value};" for name, value in named.items()) + " }"
