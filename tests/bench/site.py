"""What one visit costs: bytes, calls to the EHR, time to ready, memory."""

import gzip
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from smart_app.demo.browser import Browser
from smart_app.demo.run import free_port
from smart_app.demo.site import Site, write_site
from smart_app.demo.walk import CLINICIAN, PATIENT
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config

from .measuring import Row


class Watched(Browser):
    """A browser that keeps the answer behind each page."""

    def _request(self, method: str, url: str, data: dict[str, str] | None, *, origin: str) -> requests.Response:
        self.began = perf_counter()
        self.last = super()._request(method, url, data, origin=origin)
        self.took = perf_counter() - self.began
        return self.last

    def wire_bytes(self) -> int:
        """Return the bytes of the last answer: status line, headers, and the body as it was compressed."""
        raw = self.last.raw
        head = sum(len(name) + len(value) + 4 for name, value in raw.headers.items()) + len("HTTP/1.1 200 OK\r\n\r\n")
        length = raw.headers.get("Content-Length")
        return head + (int(length) if length else len(gzip.compress(self.last.content, 9)))


class Calls:
    """In front of the EHR: notes when each call began and ended, so that those in parallel count as one round."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self.delay = 0.0
        self._noted: list[tuple[float, float, str, str]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        """Answer one request (WSGI)."""
        began = perf_counter()
        Event().wait(self.delay)
        body = self._app(environ, start)
        self._noted.append((began, perf_counter(), environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return body

    def take(self) -> list[tuple[float, float, str, str]]:
        """Return the FHIR calls since the last time, in the order they began."""
        taken, self._noted = self._noted, []
        return sorted(call for call in taken if call[3].startswith("/fhir"))


def rounds_of(calls: list[tuple[float, float, str, str]]) -> int:
    """Return how many rounds a person waited for: a call that began before the last round ended belongs to it."""
    count, ends = 0, 0.0
    for began, ended, *_ in calls:
        count += began >= ends
        ends = ended if began >= ends else max(ends, ended)
    return count


@contextmanager
def ehr(site: Site) -> Iterator[Calls]:
    """Run the sandbox EHR in this process, where its calls can be timed."""
    app = create_sandbox(read_config(site.sandbox))
    app.wsgi_app = calls = Calls(app.wsgi_app)  # type: ignore[method-assign]  # as Flask's own documentation has it
    handler = type("Quiet", (WSGIRequestHandler,), {"log": lambda *_: None})
    server = make_server("127.0.0.1", urlsplit(site.ehr_url).port or 0, app, threaded=True, request_handler=handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def served(site: Site) -> Iterator[tuple[int, float]]:
    """Run the app as a process of its own; returns its id and the seconds until it answered."""
    port = site.app_url.rpartition(":")[2]
    command = [sys.executable, "-m", "smart_app.cli", "serve", "--settings", str(site.settings), "--port", port]
    began = perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # our own module
    try:
        while process.poll() is None:
            with suppress(requests.ConnectionError):
                requests.get(f"{site.app_url}/health", timeout=5).raise_for_status()
                break
        yield process.pid, perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def megabytes(parent: int) -> list[float]:
    """Return the resident memory of a process and its children, largest first."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = (tuple(map(int, line.split())) for line in listed.splitlines())
    return sorted((rss / 1024 for pid, ppid, rss in rows if parent in (pid, ppid)), reverse=True)


def site_rows(folder: Path) -> Iterator[Row]:
    """Measure one visit: bytes, calls, time to ready, memory."""
    ehr_port = free_port(38080)
    site = write_site(folder, ehr_port=ehr_port, app_port=free_port(38081, above=ehr_port))
    with ehr(site) as calls, served(site) as (process, ready):
        yield from visit_rows(site, calls)
        yield "app: time to ready", f"{ready:.2f} s", "< 5 s"
        sizes = megabytes(process)
        yield "app: memory of the serving process", f"{sizes[0]:.0f} MB (all: {sum(sizes):.0f} MB)", "< 120 MB"


def visit_rows(site: Site, calls: Calls) -> Iterator[Row]:
    """Measure one visit, from the chart to the chart."""
    clinician, patient = Watched(), Watched()
    launch = frame(clinician, site)
    calls.take()
    # Slow enough that calls in parallel overlap for certain.
    calls.delay = 0.2
    chart = clinician.open(launch)
    calls.delay = 0.0
    yield "EHR rounds of a launch after the token, until its first page", launch_rounds(calls.take()), "≤ 2"
    page = clinician.open(chart.url)
    yield "chart page on the wire", f"{clinician.wire_bytes() / 1024:.1f} KB in {clinician.took * 1e3:.0f} ms", ""
    start = patient.open(clinician.submit(page, page.form("/handover"), form="full").link("/handover/"))
    confirm = patient.submit(start, start.forms[0])
    form = patient.submit(confirm, confirm.form("/confirm"))
    yield "full form on the wire: headers, HTML and CSS", f"{patient.wire_bytes() / 1024:.1f} KB", "≤ 14 KB"
    given = {name: values[0] for name, values in form.forms[-1].radios.items()}
    review = patient.submit(form, form.form("/form"), **given, action="review")
    calls.take()
    receipt = patient.submit(review, review.form("/send"))
    yield "accepted: from Send to thank you", f"{patient.took * 1e3:.0f} ms for the last page", ""
    while patient.state(f"{receipt.url}/state") != "in_chart":
        continue
    writes = [call for call in calls.take() if call[2] != "GET"]
    yield "writes per submission", str(len(writes)), "1"


def launch_rounds(calls: list[tuple[float, float, str, str]]) -> str:
    """Return rounds and calls of a launch after its token; discovery comes before that, and once in ten minutes."""
    after = [call for call in calls if "/.well-known/" not in call[3]]
    return f"{rounds_of(after)}  ({len(after)} calls)"


def frame(browser: Watched, site: Site) -> str:
    """Sign in to the EHR and return the address at which it frames the app."""
    home = browser.open(f"{site.ehr_url}/")
    browser.submit(home, home.form("/sign-in"), user=CLINICIAN)
    apps = browser.open(f"{site.ehr_url}/patients/{PATIENT}/apps")
    return browser.submit(apps, apps.form("/alliance-clinician")).frames[0]
