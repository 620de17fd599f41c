"""Every page in every state: as HTML, and as pictures to look at (`gallery.py FOLDER [NAME...]`)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from page_states import PAGES
from playwright.sync_api import Browser, Page, Route, sync_playwright

import smart_app.web

WEB = Path(smart_app.web.__file__).parent
ORIGIN = "http://gallery.example.invalid"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-n0nce'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'"
)
WIDTHS = (320, 480, 768, 1280)
KINDS = {".js": "text/javascript", ".svg": "image/svg+xml"}
TEMPLATES = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str) -> str:
    """Return one page of the gallery as HTML."""
    template, page = PAGES[name]
    return TEMPLATES.get_template(template).render(
        page=page, nonce="n0nce", csrf_token="c5rf", base="/l/abc", asset=lambda file: f"/static/{file}"
    )


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
    else:
        headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=utf-8"}
        route.fulfill(body=render(name.lstrip("/")), headers=headers)


def launch(playwright: object) -> Browser:
    """Start Debian's chromium."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    return playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)  # type: ignore[attr-defined, no-any-return]


def take_pictures(folder: Path, names: Sequence[str]) -> None:
    """Write each page at each width, light and dark, and as it prints."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for scheme in ("light", "dark"):
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
                serve(page)
                for name in names:
                    open_page(page, name)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                page.close()
        page = browser.new_page(viewport={"width": 703, "height": 1000})
        page.emulate_media(media="print")
        serve(page)
        for name in names:
            open_page(page, name)
            page.screenshot(path=folder / f"{name}-print.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]), sys.argv[2:] or list(PAGES))
