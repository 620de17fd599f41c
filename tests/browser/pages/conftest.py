"""One page that sees the gallery, kept for all of these tests: each of them goes somewhere first."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[2] / "web_pages"))

from .show import serve

PHONE = {"width": 320, "height": 640}


@pytest.fixture(scope="package")
def shared_page(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """Return a page and what its console says."""
    complaints: list[str] = []
    opened = browser.new_page(reduced_motion="reduce")
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    serve(opened)
    yield opened, complaints
    opened.close()


@pytest.fixture
def page(shared_page: tuple[Page, list[str]]) -> Iterator[Page]:
    """Return a phone-sized page in the light that sees the gallery; what the console says about it fails the test."""
    opened, complaints = shared_page
    opened.set_viewport_size(PHONE)
    opened.emulate_media(color_scheme="light")
    complaints.clear()
    yield opened
    assert complaints == []


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """Return a page without JavaScript that sees the gallery."""
    opened = browser.new_page(java_script_enabled=False)
    serve(opened)
    yield opened
    opened.close()
