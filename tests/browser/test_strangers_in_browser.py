"""What another site can do to somebody who has the app open: neither frame it nor press its buttons."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import ConsoleMessage, expect

from fhir_alliance.settings import read_settings
from smart_app.demo.site import Site
from smart_app.outbox_report import page_link

from .conftest import NewContext
from .people import CORE, answer, begin, hand_over, launch, open_patient, send, sign_in

Hostile = Callable[[str], str]


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """Serve pages of another origin: takes the HTML of one, returns its address."""
    pages: list[bytes] = []

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages[-1])

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=server.serve_forever)
    thread.start()

    def serve(html: str) -> str:
        pages.append(f'<!doctype html><link rel="icon" href="data:,">{html}'.encode())
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def refuses_the_frame(message: ConsoleMessage) -> bool:
    """Whether the browser says that a page may not stand in this frame."""
    return "frame-ancestors" in message.text


def test_a_stranger_cannot_frame_the_app(site: Site, new_context: NewContext, hostile: Hostile) -> None:
    """Framed by an origin that is not registered, an open chart is not rendered and none of its script runs."""
    context, watch = new_context()
    clinician, stranger = context.new_page(), context.new_page()
    sign_in(clinician, site)
    open_patient(clinician, site, "Kwame Boateng")
    launch(clinician)
    asked: list[str] = []
    stranger.on("request", lambda request: asked.append(request.url))

    with stranger.expect_console_message(refuses_the_frame):
        stranger.goto(hostile(f'<iframe src="{clinician.frames[1].url}"></iframe>'))

    expect(stranger.frame_locator("iframe").get_by_text("Kwame")).to_have_count(0)
    assert not [url for url in asked if "/static/" in url]
    assert any("frame-ancestors" in complaint for complaint in watch.complaints)
    watch.complaints.clear()


def test_a_stranger_cannot_send_a_form(site: Site, new_context: NewContext, hostile: Hostile) -> None:
    """A form posted from another site is refused, and the patient's own form goes on as if nothing had happened."""
    context, watch = new_context()
    clinician, patient, stranger = (context.new_page() for _ in range(3))
    sign_in(clinician, site)
    open_patient(clinician, site, "Kwame Boateng")
    begin(patient, hand_over(launch(clinician)).link)
    answer(patient, dict.fromkeys(CORE, "6"))

    stranger.goto(
        hostile(f'<form method="post" action="{patient.url}"><button name="action" value="decline">Win</form>')
    )
    with stranger.expect_navigation(url=patient.url) as posted:
        stranger.get_by_role("button").click()

    assert posted.value.status == 403
    expect(stranger.get_by_role("heading", name="This request was stopped")).to_be_visible()
    watch.forgive("status of 403")
    patient.bring_to_front()
    send(patient)


def test_a_stranger_gets_nothing_from_an_administrator(site: Site, new_context: NewContext, hostile: Hostile) -> None:
    """Signed in by a link, an administrator's cookie goes with no request from elsewhere: no frame, link or form."""
    context, watch = new_context()
    admin, stranger = context.new_page(), context.new_page()
    admin.goto(page_link(read_settings(site.settings), by="Jo Park"))
    admin.get_by_role("button", name="Sign in").click()
    expect(admin.get_by_role("heading", name="Delivery", exact=True)).to_be_visible()
    page = admin.url

    with stranger.expect_console_message(refuses_the_frame):
        stranger.goto(hostile(f'<iframe src="{page}"></iframe>'))
    expect(stranger.frame_locator("iframe").get_by_text("Delivery")).to_have_count(0)
    stranger.goto(hostile(f'<a href="{page}">Go</a>'))
    stranger.get_by_role("link").click()
    linked = stranger.get_by_role("heading").inner_text()
    stranger.goto(hostile(f'<form method="post" action="{page}leave"><button>Win</button></form>'))
    with stranger.expect_navigation() as posted:
        stranger.get_by_role("button").click()

    assert linked == "Nobody is signed in here"
    assert posted.value.status == 403
    watch.complaints.clear()
    admin.reload()
    expect(admin.get_by_role("heading", name="Delivery", exact=True)).to_be_visible()
