"""The pages in a real browser: accessible, and usable on a phone."""

from importlib.resources import files
from typing import Any

import pytest
from gallery import open_page
from page_states import PAGES
from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
FORMS = [name for name in PAGES if name.startswith("form")]


def violations(page: Page, rules: str = "") -> list[str]:
    """Return what axe-core complains about, rule and element."""
    found: dict[str, Any] = page.evaluate(f"axe.run({rules})")
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(page: Page, name: str) -> None:
    """No accessibility rule is broken at 320 px, which is also 400 % zoom, and no contrast in the dark on a desk."""
    open_page(page, name)
    page.evaluate(AXE)

    light = violations(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert light + violations(page, "{runOnly: ['cat.color']}") == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_on_a_phone(page: Page, name: str) -> None:
    """No page scrolls sideways at 320 px."""
    open_page(page, name)

    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("name", [name for name in PAGES if not name.startswith("chart")])
def test_targets_are_large_enough_for_a_thumb(page: Page, name: str) -> None:
    """Every answer and button is at least 44 px wide and high at 320 px."""
    open_page(page, name)

    small = page.evaluate(
        "[...document.querySelectorAll('button, .button, .point, .word')].filter(each => each.checkVisibility())"
        ".map(each => each.getBoundingClientRect()).filter(box => box.width < 43.9 || box.height < 43.9).length"
    )
    assert small == 0


@pytest.mark.parametrize("name", FORMS)
def test_the_scale_stands_in_two_rows_on_a_phone_and_in_one_on_a_desk(page: Page, name: str) -> None:
    """0-5 and 6-10 on 320 px, eleven in a row from 560 px."""
    rows = "new Set([...document.querySelector('.points').children].map(each => each.offsetTop)).size"
    open_page(page, name)

    narrow = page.evaluate(rows)
    page.set_viewport_size({"width": 560, "height": 800})
    assert (narrow, page.evaluate(rows)) == (2, 1)
