"""What accepting a form costs beside an empty durable insert through the same server, at 1, 16 and 64 clients."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import requests

from fhir_alliance.settings import read_settings
from smart_app.demo.site import Site, write_site
from tests.ports import own_port
from tests.prepared import Desk, Reviewed, people

from .measuring import Row
from .wire import Wire, request_of

CLIENTS = (1, 16, 64)
EACH = {1: 20, 16: 5, 64: 2}
# By turns, so that noise hits both alike.
TURNS = 4
SLOW = "fsync,fdatasync"
# The status of what was taken: a form leads to its receipt.
TAKEN = {"insert": 204, "send": 303}


@dataclass(frozen=True)
class Run:
    """The seconds that each request took, and that all of them took together."""

    times: tuple[float, ...] = ()
    took: float = 0.0

    def __add__(self, other: "Run") -> "Run":
        return Run((*self.times, *other.times), self.took + other.took)

    @property
    def p50(self) -> float:
        """The seconds of the median."""
        return median(self.times)

    @property
    def p99(self) -> float:
        """The seconds of the slowest in a hundred."""
        return quantiles(self.times, n=100)[98]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.took


def accepting_rows(folder: Path) -> Iterator[Row]:
    """Measure on this disk, and where every flush takes a millisecond more (needs strace)."""
    yield from _measured(folder / "plain", "this disk", [], "≤ 2.5")
    if shutil.which("strace"):
        log = folder / "flushes"
        # Only the flushes stop for the tracer: every other call of the server would pay for it as well.
        inject = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", str(log), "-e", f"trace={SLOW}"]
        yield from _measured(folder / "slow", "+1 ms", [*inject, "-e", f"inject={SLOW}:delay_exit=1000"], "≤ 1.3", log)


def _measured(folder: Path, disk: str, before: list[str], goal: str, log: Path | None = None) -> Iterator[Row]:
    folder.mkdir()
    site = write_site(folder, ehr_port=own_port(), app_port=own_port())
    forms = iter(_forms(site))
    flush = _flush_seconds(folder, before)
    with _served(site, before):
        _ask([next(forms)], "send", site)  # the first one loads what it checks with
        for clients in CLIENTS:
            empty, accept, flushes = Run(), Run(), 0
            for _ in range(TURNS):
                mine = list(islice(forms, clients * EACH[clients]))
                empty += _run(clients, mine, "insert", site)
                flushes -= _flushes(log)
                accept += _run(clients, mine, "send", site)
                flushes += _flushes(log)
            yield (
                f"accept, {clients} clients, {disk} : an empty durable insert",
                f"{accept.p50 / empty.p50:.1f}  (p50 {accept.p50 * 1e3:.1f} ms to {empty.p50 * 1e3:.1f} ms)",
                goal,
            )
            yield from _in_flushes(f"{clients} clients, {disk}", accept, flush)
            if log:
                yield f"flushes per accepted form, {clients} clients", f"{flushes / len(accept.times):.2f}", "≤ 1.05"


def _in_flushes(where: str, accept: Run, flush: float) -> Iterator[Row]:
    """Tell the slow ones and the rate by the time of one flush, for which a form that waits for no other needs one."""
    yield (
        f"accept, {where}: p99 in flushes of {flush * 1e3:.2f} ms",
        f"{accept.p99 / flush:.0f}  ({accept.p99 * 1e3:.0f} ms)",
        "≤ 30 (16 clients)",
    )
    yield (
        f"accept, {where}: rate in flushes, one after the other",
        f"{accept.rate * flush:.2f}  ({accept.rate:.0f}/s)",
        "≥ 1.2 (16 clients)",
    )


def _flush_seconds(folder: Path, before: list[str]) -> float:
    command = [*before, sys.executable, "-m", "tests.bench.flushing", str(folder / "flushed")]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def _forms(site: Site) -> list[Reviewed]:
    desk = Desk.of(read_settings(site.settings), seed=3)
    tokens = {"access_token": "unused", "expires_in": 3600, "scope": "patient/Observation.c"}
    found: list[Reviewed] = []
    for patient in people(1 + TURNS * sum(clients * EACH[clients] for clients in CLIENTS))[::2]:
        found += desk.prepare(patient, desk.permission(patient["id"], tokens), 1)
    desk.close()
    return found


def _run(clients: int, forms: list[Reviewed], page: str, site: Site) -> Run:
    """Let clients work side by side, each with its share of the forms on a connection of its own."""
    began = perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        shares = [forms[number::clients] for number in range(clients)]
        times = [each for several in threads.map(lambda mine: _ask(mine, page, site), shares) for each in several]
    return Run(tuple(times), perf_counter() - began)


def _ask(forms: list[Reviewed], page: str, site: Site) -> list[float]:
    """Send forms to a page one after the other; returns the seconds that each took, raises when one is not taken."""
    asked = [request_of(form, page, site.app_url) for form in forms]
    times = []
    with closing(Wire(site.app_url)) as wire:
        for each in asked:
            began = perf_counter()
            status = wire.ask(each)
            times.append(perf_counter() - began)
            if status != TAKEN[page]:
                raise RuntimeError(f"{page} was answered with {status}")
    return times


@contextmanager
def _served(site: Site, before: list[str]) -> Iterator[None]:
    port = site.app_url.rpartition(":")[2]
    command = [*before, sys.executable, "-m", "tests.bench.accepting_server", str(site.settings), port]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while process.poll() is None:
            with suppress(requests.ConnectionError, requests.Timeout):
                requests.get(f"{site.app_url}/health", timeout=5).raise_for_status()
                break
        yield
    finally:
        # A tracer alone does not end with a TERM while what it traces goes on.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _flushes(log: Path | None) -> int:
    return log.read_text().count("sync(") if log and log.exists() else 0
