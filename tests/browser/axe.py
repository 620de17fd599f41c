"""What axe-core finds on a page; its script is evaluated, since the pages' policy keeps script tags out."""

from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Frame, Page

_SCRIPT: Final = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
_OPTIONS: Final = "iframes: false, preload: false, resultTypes: ['violations']"
COLOURS: Final = "runOnly: ['cat.color']"


def violations(page: Page | Frame, rules: str = "") -> list[str]:
    """Return what axe-core complains about, rule and element; `rules` narrows what is looked for."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    found: dict[str, Any] = page.evaluate(f"axe.run(document, {{{_OPTIONS}, {rules}}})")
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found["violations"] for node in rule["nodes"]]
