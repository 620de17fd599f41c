"""The gallery for a browser, and as pictures to look at (`python -m tests.browser.pages FOLDER [NAME...]`)."""

from collections.abc import Sequence
from pathlib import Path

from gallery import WEB, render
from playwright.sync_api import Browser, Page, Route

ORIGIN = "http://gallery.example.invalid"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-n0nce'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'"
)
WIDTHS = (320, 480, 768, 1280)
KINDS = {".js": "text/javascript", ".svg": "image/svg+xml"}


def serve(page: Page) -> None:
    """Let a browser page see the gallery under its origin, with the product's policy."""
    page.route(f"{ORIGIN}/**", _answer)


def open_page(page: Page, name: str) -> None:
    """Go to one page of the gallery."""
    page.goto(f"{ORIGIN}/{name}")


def _answer(route: Route) -> None:
    name = route.request.url.removeprefix(ORIGIN).split("#")[0]
    if name.startswith("/static/"):
        file = WEB / name.lstrip("/")
        route.fulfill(body=file.read_bytes(), content_type=KINDS[file.suffix])
    elif name.endswith("/state"):
        route.fulfill(json={"state": "in_chart"})
    elif route.request.method == "POST":
        route.fulfill(status=204)  # the browser stays where it is
    else:
        headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=utf-8"}
        route.fulfill(body=render(name.lstrip("/")), headers=headers)


def take_pictures(browser: Browser, folder: Path, names: Sequence[str]) -> None:
    """Write each page at each width, light and dark, and as it prints."""
    folder.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(reduced_motion="reduce")
    serve(page)
    for name in names:
        open_page(page, name)
        page.emulate_media(media="screen")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
        page.emulate_media(media="print", color_scheme="light")
        page.set_viewport_size({"width": 703, "height": 1000})
        page.screenshot(path=folder / f"{name}-print.png", full_page=True)
