"""Every page on a phone, a tablet and a desk: accessible, nothing cut off, nothing complained about."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Frame, Page

from smart_app.demo.site import Site

from .conftest import NewContext
from .tours import TOURS, Look

# Script tags are blocked by the pages' policy, so the checker is evaluated in each frame.
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RUN = "axe.run(document, {iframes: false, preload: false, resultTypes: ['violations']})"
WIDTHS = (320, 768, 1280)


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.__name__)
def test_every_page_is_for_everybody(
    site: Site, new_context: NewContext, tour: Callable[[BrowserContext, Site, Look], None]
) -> None:
    """At 320, 768 and 1280 px axe-core finds nothing and no page scrolls sideways."""
    context, watch = new_context()
    found: list[str] = []

    tour(context, site, lambda page, name: found.extend(faults(page, name)))

    watch.forgive("status of 4")
    assert found == []


def faults(page: Page, name: str) -> list[str]:
    """Return what is wrong with a page and the frames in it, at each width."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for frame in page.frames:
            found += [f"{name} at {width} px: {fault}" for fault in (*violations(frame), *cut_off(frame))]
    return found


def violations(frame: Frame) -> list[str]:
    """Return what axe-core complains about: rule and element."""
    if not frame.evaluate("'axe' in window"):
        frame.evaluate(AXE)
    result: dict[str, Any] = frame.evaluate(RUN)
    return [f"{rule['id']}: {node['html'][:120]}" for rule in result["violations"] for node in rule["nodes"]]


def cut_off(frame: Frame) -> list[str]:
    """Say so when a page is wider than its window."""
    wide, room = frame.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"scrolls sideways, {wide} px in {room} px"] if wide > room else []
