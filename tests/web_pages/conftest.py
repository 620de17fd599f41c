"""The gallery, and one browser for every test that looks at pages."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

import gallery


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Debian's chromium."""
    with sync_playwright() as playwright:
        started = gallery.launch(playwright)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a phone-sized page that sees the gallery; what the console says about it fails the test."""
    complaints: list[str] = []
    opened = browser.new_page(viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    gallery.serve(opened)
    yield opened
    opened.close()
    assert complaints == []
