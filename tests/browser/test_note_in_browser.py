"""What a clinician copies out of the EHR's frame, and the list of own patients in it."""

import pytest
from playwright.sync_api import Page, expect

from smart_app.demo.site import Site

from .people import launch, open_patient, sign_in

# A field of the EHR's own, such as the one of its progress note.
FIELD = "document.body.prepend(Object.assign(document.createElement('textarea'), { id: 'progress-note' }))"


# What a browser does in a frame of another origin that the EHR does not let use the clipboard.
REFUSING = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('refused', 'NotAllowedError'))"


@pytest.mark.parametrize("allowed", [True, False])
def test_copied_in_the_frame_and_pasted_outside(page: Page, site: Site, allowed: bool) -> None:
    """A press of the button copies, whether or not the EHR lets its frame use the clipboard."""
    sign_in(page, site)
    open_patient(page, site, "Thomas Reyes")
    if not allowed:
        page.add_init_script(REFUSING)
    app = launch(page)
    page.evaluate(FIELD)

    app.get_by_role("button", name="Copy for my note").click()
    expect(app.get_by_text("Copied.")).to_be_visible()
    page.locator("#progress-note").press("Control+V")

    expect(page.locator("#progress-note")).to_have_value(app.get_by_label("For my note").input_value())


def test_the_list_stays_in_the_launch(page: Page, site: Site) -> None:
    """Own patients are listed in the frame of one chart, and the way back leads to that chart."""
    sign_in(page, site)
    open_patient(page, site, "Thomas Reyes")
    app = launch(page)

    app.get_by_role("link", name="My patients").click()
    expect(app.get_by_role("heading", name="My patients")).to_be_visible()
    app.get_by_role("link", name="Back to the ratings").click()

    expect(app.locator("p.lead")).to_be_visible()
    expect(app.get_by_role("group", name="Patient")).to_contain_text("Thomas Reyes")
