"""The processes of a soak: the EHR, the real app and its real workers, ended with kill -9 and started again."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Lock, Thread

import requests

from smart_app.demo.site import Site, write_site
from tests.ports import own_port
from tests.prepared import people

ANSWER_SECONDS = 1
TOKEN_SECONDS = 60


class Process:
    """A process of ours in a group of its own."""

    def __init__(self, log: Path, *module: str, url: str = "") -> None:
        self._log = log
        self._module = module
        self._url = url
        self._lock = Lock()
        self._ended = False
        self.kills = 0
        self._running = self._start()

    @property
    def pid(self) -> int:
        """The process as it runs now."""
        return self._running.pid

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *self._module], start_new_session=True, stdout=log, stderr=log
            )

    def ready(self) -> None:
        """Wait until it answers, if it is one that does."""
        if not self._url:
            return
        while self._running.poll() is None:
            try:
                if requests.get(self._url, timeout=5).ok:
                    return
            except requests.RequestException:
                Event().wait(0.05)
        raise RuntimeError(f"{self._module[0]} ended: see {self._log}")

    def kill(self) -> None:
        """End it with all its children, as a power cut would, and start it again."""
        with self._lock:
            if not self._ended:
                os.killpg(self._running.pid, signal.SIGKILL)
                self._running.wait()
                self.kills += 1
                self._running = self._start()

    def tell_end(self) -> None:
        """Ask it to end, as an administrator would; it is not started again."""
        with self._lock:
            self._ended = True
            self._running.terminate()

    def end(self) -> None:
        """End it, and wait until it has."""
        self.tell_end()
        with self._lock:
            try:
                self._running.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self._running.pid, signal.SIGKILL)
                self._running.wait()

    def megabytes(self) -> float:
        """Return the resident memory of the largest process of its group."""
        listed = subprocess.run(["ps", "-eo", "pgid=,rss="], capture_output=True, text=True, check=True).stdout
        rows = (map(int, line.split()) for line in listed.splitlines())
        return max((rss / 1024 for group, rss in rows if group == self.pid), default=0.0)


class House:
    """A site on loopback: one process that serves, and on PostgreSQL workers beside it.

    With `longest` no form waits more seconds than that for its next try; usually the product decides.
    """

    def __init__(
        self, folder: Path, database: str, *, patients: int, visits: int = 1, longest: int | None = None
    ) -> None:
        ehr_port = own_port()
        self.folder = folder
        self._command = ("tests.soak.hasty", str(longest)) if longest else ("smart_app.cli",)
        self.site: Site = write_site(folder, ehr_port=ehr_port, app_port=own_port(), token_seconds=TOKEN_SECONDS)
        self.people = people(patients, visits=visits)
        self.chart = folder / "sandbox.db"
        self.chart.with_name("people.json").write_text(json.dumps(self.people))
        self._edit(database)

    @contextmanager
    def ehr(self, *, share: float, seed: int) -> Iterator[None]:
        """Run the EHR."""
        port = self.site.ehr_url.rpartition(":")[2]
        arguments = (str(self.site.sandbox), port, str(share), str(seed), str(ANSWER_SECONDS))
        url = f"{self.site.fhir_base}/metadata"
        process = Process(self.folder / "ehr.log", "tests.soak.ehr", *arguments, url=url)
        try:
            process.ready()
            yield
        finally:
            process.end()

    @contextmanager
    def servers(self, workers: int, *, deliver: bool = True) -> Iterator[list[Process]]:
        """Run the app, which delivers itself unless there are workers, or nobody shall; the app comes first."""
        settings = ("--settings", str(self.site.settings))
        port = ("--port", self.site.app_url.rpartition(":")[2])
        alone = () if deliver and not workers else ("--no-deliver",)
        with ExitStack() as stack:
            serve = (*self._command, "serve", *settings, *port, *alone)
            app = Process(self.folder / "app.log", *serve, url=f"{self.site.app_url}/health")
            found = [app]
            stack.callback(app.end)
            for number in range(workers):
                worker = (*self._command, "worker", *settings)
                found.append(Process(self.folder / f"worker-{number}.log", *worker))
                stack.callback(found[-1].end)
            app.ready()
            yield found
            for each in found:
                each.tell_end()  # all at once, so that each has its time to drain

    def _edit(self, database: str) -> None:
        text = self.site.settings.read_text()
        file = f"sqlite:///{self.folder / 'alliance.db'}"
        answer = f"allow_private = true\nanswer_seconds = {ANSWER_SECONDS}"
        self.site.settings.write_text(text.replace(file, database or file).replace("allow_private = true", answer))
        sandbox = json.loads(self.site.sandbox.read_text())
        self.site.sandbox.write_text(json.dumps({**sandbox, "populate": False}))


class Killer:
    """Kills one of some processes every few seconds, until it is told to stop."""

    def __init__(self, processes: list[Process], *, every: float, seed: int) -> None:
        self._processes = processes
        self._every = every
        self._random = random.Random(seed)  # noqa: S311  # test data
        self._stopped = Event()
        self._thread = Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        """Let everybody live."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopped.wait(self._every):
            chosen = self._random.choice(self._processes)
            chosen.kill()
            chosen.ready()
