"""Take pictures of eight typical courses, as the clinician's view draws them: `make pictures`."""

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "web_pages"))

from typical import COURSES

from tests.browser.chromium import launch
from tests.browser.pages.show import open_page, serve

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures" / "courses"

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        page = launch(playwright).new_page(viewport={"width": 720, "height": 900}, reduced_motion="reduce")
        serve(page)
        for name in COURSES:
            open_page(page, f"course-{name}")
            page.mouse.move(0, 0)
            page.locator("figure.trend").first.screenshot(path=FOLDER / f"{name}.png")
