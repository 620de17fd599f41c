"""One browser for all of these tests, and contexts whose complaints fail the test that caused them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from .chromium import launch
from .watch import Watch

PATIENCE_MS = 15_000  # both cores may be busy
expect.set_options(timeout=PATIENCE_MS)

NewContext = Callable[..., tuple[BrowserContext, Watch]]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Return Playwright, running; it runs once at a time, so every test that needs it is below this folder."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Return the installed Chromium."""
    started = launch(playwright)
    yield started
    started.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Open browser contexts: people with a browser of their own; what one complains about fails the test."""
    opened: list[tuple[BrowserContext, Watch]] = []

    def open_one(**options: Any) -> tuple[BrowserContext, Watch]:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        opened.append((context, Watch(context)))
        return opened[-1]

    yield open_one
    complaints = [complaint for _, watch in opened for complaint in watch.complaints]
    for context, _ in opened:
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """Return a page in a browser of its own, of the size of a laptop."""
    return new_context(viewport={"width": 1280, "height": 900})[0].new_page()
