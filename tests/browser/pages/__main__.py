"""Write pictures of the pages: `python -m tests.browser.pages FOLDER [NAME...]`."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "web_pages"))

from page_states import PAGES

from tests.browser.chromium import launch

from .show import take_pictures

with sync_playwright() as playwright:
    take_pictures(launch(playwright), Path(sys.argv[1]), sys.argv[2:] or list(PAGES))
