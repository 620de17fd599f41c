"""Both servers as processes: started, waited for, and ended together."""

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic

import click
import requests

from fhir_alliance.errors import AllianceError, FhirError
from fhir_alliance.settings import read_settings
from smart_app.demo.site import Site, offer_cards, offer_export, offer_filing, offer_spanish, write_site
from smart_app.publishing import publish_all
from smart_app.sandbox.fhir.profiles import PROFILES
from smart_app.sandbox.people.registry import GROUP

READY_SECONDS = 30.0
STOP_SECONDS = 30.0
_LOOK_EVERY = 0.05


class DemoError(RuntimeError):
    """The demo could not go on; the message says what to do."""


def run_demo(*, once: bool, profile: str, ehr_port: int, app_port: int) -> None:
    """Run both servers until Ctrl-C, or walk one visit and stop; raises DemoError when something does not work.

    `profile` is the kind of EHR the sandbox plays.
    """
    if profile not in PROFILES:
        raise DemoError(f"There is no kind of EHR called {profile}. Please choose one of {', '.join(PROFILES)}.")
    if once and profile != "generous":
        raise DemoError("--once walks a visit at the generous EHR only. Please leave --once or --ehr out.")
    stopped = Event() if once else _stopped_by_signal()
    with tempfile.TemporaryDirectory(prefix="fhir-alliance-demo-") as folder:
        ports = {"ehr_port": free_port(ehr_port), "app_port": free_port(app_port, above=ehr_port)}
        site = write_site(Path(folder), profile=profile, **ports)
        offer_cards(site)
        offer_export(site)
        offer_filing(site)
        offer_spanish(site)
        with running(site):
            if once:
                _walk(site)
            else:
                _publish(site)
                _show(site)
                stopped.wait()
                click.echo("\nStopped.")


def free_port(wanted: int, *, above: int = 0) -> int:
    """Return the wanted port, or the next one that nobody listens on; 0 leaves the choice to the system."""
    for port in range(max(wanted, above + 1) if wanted else 0, 65536):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("No free port was found. Please name one with --ehr-port and --app-port.")


@contextmanager
def running(site: Site) -> Iterator[None]:
    """Run the sandbox EHR and the app until the block ends; both are ready when it begins."""
    ehr = ["smart_app.sandbox", "--config", str(site.sandbox), "--port", site.ehr_url.rpartition(":")[2]]
    app = ["smart_app.cli", "serve", "--settings", str(site.settings), "--port", site.app_url.rpartition(":")[2]]
    with _process(ehr) as first, _process(app) as second:
        _wait(f"{site.fhir_base}/metadata", first)
        _wait(f"{site.app_url}/health", second)
        yield


@contextmanager
def _process(module: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    # A group of its own: Ctrl-C reaches only us, and we end the servers in order.
    process = subprocess.Popen([sys.executable, "-m", *module], start_new_session=True)  # noqa: S603  # our own modules
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + READY_SECONDS
    pause = Event()
    while monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            pause.wait(_LOOK_EVERY)
    raise DemoError(f"Nothing answered at {url}. What it printed above says why.")


def _publish(site: Site) -> None:
    try:
        for published in publish_all(read_settings(site.settings)):
            click.echo(f"  {published.outcome:<10} {published.canonical}")
    except FhirError as error:
        click.echo(f"  This EHR takes no questionnaires: {error}")
    except AllianceError as error:
        raise DemoError(f"Publishing failed: {error}") from error


def _show(site: Site) -> None:
    click.echo(f"""
  Clinician   {site.ehr_url}/          sign in, open a patient, then Apps
  Patient     {site.ehr_url}/portal    the portal at home
  Handover    {site.app_url}/handover/   type a short code on a second device
  Export      in another terminal, while this one runs:
              fhir-alliance bulk export --settings {site.settings} --ehr harbor --group {GROUP} --into demo-export

  Please use Chrome or Firefox: Safari refuses Secure cookies on http localhost.
  All patients are synthetic. Ctrl-C stops both servers and forgets everything.
""")


def _stopped_by_signal() -> Event:
    """Return what Ctrl-C or a TERM sets: taken from the first moment on, so that nothing is left half started."""
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _walk(site: Site) -> None:
    from smart_app.demo.walk import WalkError, walk_visit

    try:
        walk_visit(site)
    except WalkError as error:
        raise DemoError(str(error)) from error
