"""The application under gunicorn: one worker that serves and delivers."""

from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn ships no types

from fhir_alliance.settings import read_settings


class AllianceServer(BaseApplication):  # type: ignore[misc]  # of the untyped base
    """The application of one site; a single worker, because SQLite has a single writer."""

    def __init__(self, settings: Path, *, host: str, port: int, threads: int) -> None:
        self._settings = read_settings(settings)
        self._options: dict[str, Any] = {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": threads,
            "keepalive": 5,
            "graceful_timeout": 25,
            "accesslog": None,
            "loglevel": "error",
            "control_socket_disable": True,
            "limit_request_line": 8190,
            "post_worker_init": start_delivery,
            "worker_exit": stop_delivery,
        }
        super().__init__()

    def load_config(self) -> None:
        """Take the settings from here, not from gunicorn's own command line."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the worker that owns its database connections and its courier."""
        from smart_app.web.app import create_app
        from smart_app.web.log import set_up_logging

        set_up_logging()
        return create_app(self._settings)


def start_delivery(worker: Any) -> None:
    """Start the courier, the watch on the EHRs, and who tells of alerts, in the worker that has just come up."""
    services = worker.wsgi.extensions["alliance"]
    services.courier.start()
    services.watch.start()
    if services.notifier:
        services.notifier.start()


def stop_delivery(_: Any, worker: Any) -> None:
    """Let each finish what it has in hand; what is left is delivered, or told, after the next start."""
    if worker.wsgi is None:
        return
    services = worker.wsgi.extensions["alliance"]
    services.courier.stop()
    services.watch.stop()
    if services.notifier:
        services.notifier.stop()
