"""What one visit costs: bytes, calls to the EHR, time to ready, memory."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import perf_counter
from urllib.parse import urlsplit

import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from smart_app.demo.browser import Page
from smart_app.demo.site import Site, write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config
from tests.ports import own_port

from .calls import Calls
from .launching import launch_rows
from .measuring import Row
from .watched import Watched, frame

BORN = {"day": "17", "month": "6", "year": "1991"}
"""The birth date of the patient whose chart is opened."""


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
    ehr_port = own_port()
    site = write_site(folder, ehr_port=ehr_port, app_port=own_port())
    with ehr(site) as calls, served(site) as (process, ready):
        yield from launch_rows(site, calls)
        yield from visit_rows(site, calls)
        yield "app: time to ready", f"{ready:.2f} s", "< 5 s"
        sizes = megabytes(process)
        yield "app: memory of the serving process", f"{sizes[0]:.0f} MB (all: {sum(sizes):.0f} MB)", "< 120 MB"


def visit_rows(site: Site, calls: Calls) -> Iterator[Row]:
    """Measure one visit, from the chart to the chart."""
    clinician, patient = Watched(), Watched()
    chart = clinician.open(frame(clinician, site))
    page = clinician.open(chart.url)
    yield "chart page on the wire", f"{clinician.wire_bytes() / 1024:.1f} KB in {clinician.took * 1e3:.0f} ms", ""
    yield from link_rows(clinician, page)
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
    writes = [call for call in calls.take() if call.method != "GET"]
    yield "writes per submission", str(len(writes)), "1"


def link_rows(clinician: Watched, chart: Page) -> Iterator[Row]:
    """Measure a link from the tap to the first question, the birth date's, and from there to the first of the form."""
    links = clinician.open(chart.url.replace("/chart", "/links"))
    made = clinician.submit(links, links.form("/links"), form="full")
    phone = Watched()
    start = phone.open(made.text.partition('class="copy" readonly value="')[2].partition('"')[0])
    tap = phone.take()
    phone.submit(start, start.forms[0], **BORN)
    after = phone.take()
    yield "link: from the tap to the question who it is", _flight(tap), "1 request, ≤ 14 KB"
    yield "link: from there to the first of the form", _flight(after), "2 requests, ≤ 14 KB"


def _flight(answers: list[int]) -> str:
    return f"{len(answers)} requests, {sum(answers) / 1024:.1f} KB"
