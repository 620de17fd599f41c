"""The application under gunicorn: workers that serve, and deliver unless others do."""

import gc
import sys
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn ships no types

from fhir_alliance.errors import AllianceError, InvalidSettings
from fhir_alliance.settings import read_settings
from fhir_alliance.store import START_SECONDS
from smart_app import background

_YOUNG = 20_000
"""How many values more than were forgotten are made before those are looked through."""
_NOT_STARTED = 3
"""The exit status of a worker that could not come up: gunicorn then ends, and does not try for ever."""


class AllianceServer(BaseApplication):  # type: ignore[misc]  # of the untyped base
    """The application of one site; `deliver` says whether it also delivers, or other processes do."""

    def __init__(self, settings: Path, *, host: str, port: int, threads: int, workers: int, deliver: bool) -> None:
        self._settings = read_settings(settings)
        if workers > 1 and self._settings.database.startswith("sqlite"):
            raise InvalidSettings(["database: several workers need PostgreSQL; an SQLite file has one writer"])
        self._options: dict[str, Any] = {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": workers,
            "threads": threads,
            "keepalive": 5,
            "graceful_timeout": int(background.DRAIN),
            # A worker that waits for the database as it comes up is not one that hangs.
            "timeout": int(2 * START_SECONDS),
            "accesslog": None,
            "loglevel": "error",
            "control_socket_disable": True,
            "limit_request_line": 8190,
        }
        self._options["post_worker_init"] = start_background if deliver else guard
        if deliver:
            self._options["worker_exit"] = stop_background
        super().__init__()

    def load_config(self) -> None:
        """Take the settings from here, not from gunicorn's own command line."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the worker that owns its database connections and its courier.

        What keeps it from starting is told line by line, as by every command, and not as a fault of the app.
        """
        from smart_app.web.app import create_app
        from smart_app.web.log import set_up_logging

        set_up_logging()
        try:
            return create_app(self._settings)
        except AllianceError as error:
            faults = error.faults if isinstance(error, InvalidSettings) else [str(error)]
            click.echo("\n".join(faults), err=True)
            sys.exit(_NOT_STARTED)


def settle() -> None:
    """Let nobody wait while this process is searched for garbage that it does not have.

    What was loaded until now stays as long as the process. A page makes and forgets many thousands of values, of which
    hardly any refer to each other: they are looked through a few times for each page, and not a hundred times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


def guard(worker: Any) -> None:
    """Let a worker end that cannot know what is in the database: the one that takes its place checks it first."""
    settle()
    background.end_when_unsure(worker.wsgi.extensions["alliance"])


def start_background(worker: Any) -> None:
    """Start what works beside the pages, in the worker that has just come up."""
    guard(worker)
    background.start(worker.wsgi.extensions["alliance"])


def stop_background(_: Any, worker: Any) -> None:
    """Stop it before the worker ends; a worker that did not come up has nothing to stop."""
    if worker.wsgi is not None:
        background.stop(worker.wsgi.extensions["alliance"])
