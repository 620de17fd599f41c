"""Browsers that keep third-party cookies out: the frame works, and where even that is refused, a window does."""

from pathlib import Path

from playwright.sync_api import Playwright, Route, expect

from smart_app.demo.site import Site

from .chromium import without_third_party_cookies
from .conftest import NewContext
from .people import allow, launch, open_patient, sign_in
from .watch import Watch

PLAIN = "document.cookie = 'plain=1; Secure; SameSite=None'; document.cookie"
PARTITIONED = "document.cookie = 'apart=1; Secure; SameSite=None; Partitioned'; document.cookie"


def test_the_frame_works_without_third_party_cookies(site: Site, playwright: Playwright, tmp_path: Path) -> None:
    """Where a plain third-party cookie is refused, the launch inside the chart still works: ours are partitioned."""
    context = without_third_party_cookies(playwright, tmp_path / "profile")
    watch = Watch(context)
    page = context.new_page()
    sign_in(page, site)
    open_patient(page, site, "Aoife O'Brien")

    app = launch(page)

    expect(app.get_by_role("group", name="Patient")).to_contain_text("Aoife O'Brien")
    assert page.frames[1].evaluate(PLAIN) == ""
    assert page.frames[1].evaluate(PARTITIONED) == "apart=1"
    context.close()
    assert watch.complaints == []


def test_without_any_cookie_a_window_is_offered(site: Site, new_context: NewContext) -> None:
    """Where the frame may keep no cookie at all, the page says so, and its link leads to the same view in a window."""
    context, watch = new_context()
    page = context.new_page()
    sign_in(page, site)
    open_patient(page, site, "Aoife O'Brien")
    page.route(f"{site.app_url}/launch?*", refuse_cookies)
    page.get_by_role("link", name="Apps").click()
    page.get_by_role("button", name="Open FHIR Alliance in the chart").click()
    app = page.frame_locator("iframe")
    expect(app.get_by_role("heading", name="Please open this in a new window")).to_be_visible()

    with page.expect_popup() as opened:
        app.get_by_role("link", name="Open in a new window").click()
    window = opened.value
    window.get_by_role("button", name="Aoife O'Brien").click()
    allow(window)

    expect(window.get_by_role("group", name="Patient")).to_contain_text("Aoife O'Brien")
    watch.forgive("status of 400")


def refuse_cookies(route: Route) -> None:
    """Answer without `Set-Cookie`, as if the browser had kept the cookie out."""
    reply = route.fetch(max_redirects=0)
    route.fulfill(status=reply.status, headers={k: v for k, v in reply.headers.items() if k != "set-cookie"})
