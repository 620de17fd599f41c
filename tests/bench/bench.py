"""What things cost, as ratios measured in one run: `make bench`. It asserts nothing and always ends with 0."""

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from rich.console import Console
from rich.table import Table
from werkzeug.serving import WSGIRequestHandler, make_server

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.checks import check_shape
from fhir_alliance.records.submission import PatientShown, Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer
from smart_app.demo.browser import Browser
from smart_app.demo.run import free_port
from smart_app.demo.site import Site, write_site
from smart_app.demo.walk import CLINICIAN, PATIENT
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config

Row = tuple[str, str, str]
ROUNDS = 20


def seconds(*works: Callable[[], object], times: int) -> list[float]:
    """Return each work's shortest time of one call, in seconds: taken by turns, so that noise hits all alike."""
    shortest = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            began = perf_counter()
            for _ in range(times):
                work()
            shortest[index] = min(shortest[index], (perf_counter() - began) / times)
    return shortest


def ratio(work: float, base: float) -> str:
    """Return a ratio with both times in microseconds."""
    return f"{work / base:.1f}  ({work * 1e6:,.0f} µs to {base * 1e6:,.0f} µs)"


def full_submission() -> Submission:
    """Return a full form with every question answered."""
    instrument = shipped().instrument("visit-check-in")
    form = instrument.form(Rater.PATIENT, "full")
    answers = Answers(given={item.link_id: item.options[-1].code for item in form.items})
    now = datetime(2026, 11, 12, 15, 42, 7, tzinfo=UTC)
    shown = PatientShown(id="p", name="Maria Lopez", birth_date="1988-03-04", identifiers=(("urn:x", "1"),))
    return Submission(
        key="7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10",
        ehr="harbor",
        instrument=instrument,
        form=form,
        patient=shown,
        encounter="Encounter/e",
        therapist="Practitioner/t",
        source="Patient/p",
        author="Patient/p",
        launch="launch",
        answers=answers,
        declined=False,
        scores=Scorer(form).score(answers),
        authored=now,
        scored=now,
        language="en",
        audience_digest="0" * 64,
    )


def pure_rows() -> Iterator[Row]:
    """Measure scoring and building, without any server."""
    submission = full_submission()
    bundle = write_bundle(submission)
    scorer, body = Scorer(submission.form), orjson.dumps(bundle["entry"][0]["resource"])
    scoring = seconds(lambda: scorer.score_response(body), lambda: orjson.loads(body), times=500)
    yield "score a response from its bytes : orjson.loads of them", ratio(*scoring), "≤ 2.0"
    # The least that anybody could do: a function whose body is the finished structure as one nested literal.
    names: dict[str, Any] = {}
    exec(f"def literal():\n    return {bundle!r}", {}, names)  # noqa: S102  # our own structure
    building = seconds(lambda: write_bundle(submission), names["literal"], times=100)
    yield "build the checked bundle : the same dicts as a literal", ratio(*building), "≤ 8"
    (shape,) = seconds(lambda: check_shape(bundle), times=5)
    yield "R4B shape of the bundle, once a submission", f"{shape * 1e3:.1f} ms", ""


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


def command_rows() -> Iterator[Row]:
    """Measure how long the command takes to say what it can do, against an interpreter that does nothing."""

    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    took = seconds(run("-m", "smart_app.cli", "--help"), run("-c", "pass"), times=1)
    yield "fhir-alliance --help : python -c pass", ratio(*took), "≤ 8"


def main() -> None:
    """Measure everything and print it beside its goal."""
    table = Table(title="FHIR Alliance, one run")
    for name in ("What", "Measured", "Goal"):
        table.add_column(name)
    with tempfile.TemporaryDirectory(prefix="fhir-alliance-bench-") as folder:
        for row in (*pure_rows(), *site_rows(Path(folder)), *command_rows()):
            table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
