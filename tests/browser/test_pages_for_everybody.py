"""Every page on a phone, a tablet and a desk: accessible, nothing cut off, nothing complained about."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Frame, Page

from smart_app.demo.site import Site

from .axe import COLOURS, violations
from .conftest import NewContext
from .tours import TOURS, Look

WIDTHS = (320, 768, 1280)
# 320 px is also 400 % zoom; only colours can differ on a desk: the same elements stand side by side there.
RULES = {320: "", 1280: COLOURS}


@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.__name__)
def test_every_page_is_for_everybody(
    site: Site, new_context: NewContext, tmp_path: Path, tour: Callable[[BrowserContext, Site, Look], None]
) -> None:
    """On a tour axe-core finds nothing, no page scrolls sideways, and each leaves its pictures behind."""
    context, watch = new_context()
    found: list[str] = []
    around: set[str] = set()

    tour(context, site, lambda page, name: found.extend(faults(page, tmp_path / name, around)))

    watch.forgive("status of 4")
    assert found == []


def faults(page: Page, name: Path, around: set[str]) -> list[str]:
    """Return what is wrong with a page at each width, and take its pictures.

    A page that is only the surroundings of a frame is looked at once; `around` holds those seen.
    """
    frames = [frame for frame in page.frames if not (frame.child_frames and frame.url in around)]
    around.update(frame.url for frame in frames if frame.child_frames)
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=f"{name}-{width}.jpeg", quality=60)
        for frame in frames:
            rules = violations(frame, RULES[width]) if width in RULES else []
            found += [f"{name.name} at {width} px: {fault}" for fault in (*rules, *cut_off(frame))]
    return found


def cut_off(frame: Frame) -> list[str]:
    """Say so when a page is wider than its window."""
    wide, room = frame.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"scrolls sideways, {wide} px in {room} px"] if wide > room else []
