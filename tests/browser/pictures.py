"""Take the pictures of the README from a demo site of its own: the form, the clinician's view, the Results tab."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from fhir_alliance.settings import read_settings
from smart_app.demo.run import running
from smart_app.demo.site import Site, write_site
from smart_app.publishing import publish_all
from tests.browser.chromium import launch as start
from tests.browser.people import (
    CORE,
    answer,
    begin,
    choose,
    hand_over,
    launch,
    open_patient,
    open_results,
    send,
    sign_in,
    wait_until_in_chart,
)
from tests.ports import own_port

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES: Final = 200_000


class PictureTooLarge(RuntimeError):
    """A picture would make the README slow; take it of less."""


def take_pictures(browser: Browser, site: Site) -> None:
    """Take all three; Maria answers, so that the Results tab has something of today."""
    desk = browser.new_context(viewport={"width": 1280, "height": 880}).new_page()
    phone = browser.new_context(viewport={"width": 390, "height": 900}, device_scale_factor=2, is_mobile=True)
    sign_in(desk, site)
    open_patient(desk, site, "Thomas Reyes")
    launch(desk)
    keep(desk, "view")
    open_patient(desk, site, "Maria Lopez")
    patient = phone.new_page()
    begin(patient, hand_over(launch(desk)).link)
    answer(patient, dict(zip(CORE, ("8", "7", "6", "9", "8", "7"), strict=True)))
    patient.evaluate("window.scrollTo(0, 0)")
    keep(patient, "form")
    choose(patient, "harder", "No")
    send(patient)
    wait_until_in_chart(patient)
    open_results(desk).wait_for()
    keep(desk, "results")


def keep(page: Page, name: str) -> None:
    """Write what a page shows as a picture; raises PictureTooLarge."""
    page.mouse.move(0, 0)
    file = FOLDER / f"{name}.png"
    page.screenshot(path=file, animations="disabled", caret="hide")
    if file.stat().st_size > MOST_BYTES:
        raise PictureTooLarge(f"{file.name} has {file.stat().st_size} bytes, {MOST_BYTES} are allowed.")


@contextmanager
def demo_site() -> Iterator[Site]:
    """Run a site with the forms published until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        ehr_port = own_port()
        site = write_site(Path(folder), ehr_port=ehr_port, app_port=own_port())
        with running(site):
            list(publish_all(read_settings(site.settings)))
            yield site


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo_site() as shown, sync_playwright() as playwright:
        take_pictures(start(playwright), shown)
