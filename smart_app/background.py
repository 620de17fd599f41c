"""What works beside the pages: delivering, watching EHRs, harvesting, visits, Tasks, reminding, alerting."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket, socketpair
from threading import Thread
from time import monotonic
from typing import Final

import structlog

from fhir_alliance.errors import StoreError
from fhir_alliance.settings import read_settings
from fhir_alliance.store import unsure
from smart_app.web.services import Services

DRAIN: Final = 25.0
_log = structlog.get_logger(__name__)


def start(services: Services) -> None:
    """Start every part in a thread of its own."""
    services.courier.start()
    services.watch.start()
    services.alarms.start()
    services.harvester.start()
    services.visits.start()
    services.tasks.start()
    services.topics.start()
    services.chaser.start()
    if services.notifier:
        services.notifier.start()


def stop(services: Services, *, within: float = DRAIN) -> None:
    """Take nothing more, and let each part finish what it has in hand, for so many seconds (F45).

    What is left, or cut off then, is found out about and ended after the next start.
    """
    stops = [services.courier.stop, services.watch.stop, services.alarms.stop, services.harvester.stop]
    stops += [services.visits.stop, services.tasks.stop, services.topics.stop, services.chaser.stop]
    stops += [services.notifier.stop] if services.notifier else []
    ending = [Thread(target=each, daemon=True) for each in stops]
    for thread in ending:
        thread.start()
    end = monotonic() + within
    for thread in ending:
        thread.join(max(end - monotonic(), 0))


def end_when_unsure(services: Services) -> None:
    """End this process, as a TERM does, once nobody knows what is on the disk; the next start checks the file (F26)."""

    def watch() -> None:
        unsure(services.engine).wait()
        _log.error("store.unsure", detail="a commit has failed: this process ends, the next one checks the database")
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, name="unsure", daemon=True).start()


@contextmanager
def _signals() -> Iterator[socket]:
    """Yield a socket on which something arrives with a TERM or Ctrl-C, which no more end the process at once.

    The kernel may give a signal to any thread; one that waits for a lock in Python would not be woken by it.
    """
    arrives, sent = socketpair()
    with arrives, sent:
        sent.setblocking(False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        before = signal.set_wakeup_fd(sent.fileno())
        try:
            yield arrives
        finally:
            signal.set_wakeup_fd(before)


def work(settings: Path) -> None:
    """Work without serving pages until a TERM or Ctrl-C, then finish what is in hand and return.

    Any number of such processes may share a PostgreSQL database: each form is leased by one of them at a time.
    Raises InvalidSettings, and StoreError when the database cannot be used or what it holds is not known any more.
    """
    from smart_app.web.app import create_app
    from smart_app.web.log import set_up_logging

    set_up_logging()
    with _signals() as ended:
        services = create_app(read_settings(settings)).extensions["alliance"]
        end_when_unsure(services)
        start(services)
        ended.recv(1)
        stop(services)
    if unsure(services.engine).is_set():
        raise StoreError("a commit has failed: start again, which checks the database")
