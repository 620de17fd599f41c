"""Chromium as the tests and the pictures use it: installed, headless, and able to reach nothing but this machine."""

import json
import shutil
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


class BrowserMissing(RuntimeError):
    """No Chrome or Chromium is installed: the browser tests fail, they are never skipped."""


def find_chromium() -> str:
    """Return the path of an installed Chrome or Chromium; raises BrowserMissing when there is none."""
    found = [path for path in map(shutil.which, _NAMES) if path] + [path for path in _MAC if Path(path).exists()]
    if not found:
        raise BrowserMissing("Install Chromium (Debian: apt-get install chromium) or Google Chrome.")
    return found[0]


def launch(playwright: Playwright) -> Browser:
    """Start a headless browser."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=_ARGUMENTS)


def without_third_party_cookies(playwright: Playwright, profile: Path) -> BrowserContext:
    """Start a browser, in an empty profile folder, that keeps third-party cookies out as a person can choose it."""
    settings = profile / "Default" / "Preferences"
    settings.parent.mkdir(parents=True)
    choice = {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}}
    settings.write_text(json.dumps(choice), "utf-8")
    return playwright.chromium.launch_persistent_context(profile, executable_path=find_chromium(), args=_ARGUMENTS)
