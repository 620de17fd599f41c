"""What works beside the pages: delivering, watching and harvesting EHRs, telling of alerts and of what waits."""

import signal
from pathlib import Path
from threading import Event

from fhir_alliance.settings import read_settings
from smart_app.web.services import Services


def start(services: Services) -> None:
    """Start every part in a thread of its own."""
    services.courier.start()
    services.watch.start()
    services.alarms.start()
    services.harvester.start()
    if services.notifier:
        services.notifier.start()


def stop(services: Services) -> None:
    """Let each finish what it has in hand; what is left is delivered, or told, after the next start."""
    services.courier.stop()
    services.watch.stop()
    services.alarms.stop()
    services.harvester.stop()
    if services.notifier:
        services.notifier.stop()


def work(settings: Path) -> None:
    """Work without serving pages until a TERM or Ctrl-C, then finish what is in hand and return.

    Any number of such processes may share a PostgreSQL database: each form is leased by one of them at a time.
    Raises InvalidSettings.
    """
    from smart_app.web.app import create_app
    from smart_app.web.log import set_up_logging

    set_up_logging()
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    services = create_app(read_settings(settings)).extensions["alliance"]
    start(services)
    stopped.wait()
    stop(services)
