"""Run the sandbox EHR: `python -m smart_app.sandbox --config FILE --port N`."""

import argparse
import sys
from pathlib import Path

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn ships no types

from smart_app.sandbox.config import SandboxConfig, SandboxConfigError, read_config

_GUNICORN = {
    "worker_class": "gthread",
    "workers": 1,
    "threads": 8,
    "keepalive": 5,
    "accesslog": None,
    "loglevel": "error",
    "graceful_timeout": 5,
    "control_socket_disable": True,
}


class SandboxServer(BaseApplication):  # type: ignore[misc]  # of the untyped base
    """The sandbox under gunicorn, on this machine only."""

    def __init__(self, config: SandboxConfig, port: int) -> None:
        self._config = config
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        """Take the settings from here, not from gunicorn's own command line."""
        for name, value in {**_GUNICORN, "bind": f"127.0.0.1:{self._port}"}.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the worker that owns its database connection."""
        from smart_app.sandbox.app import create_sandbox

        return create_sandbox(self._config)


def main() -> None:
    """Read the settings and serve until a SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m smart_app.sandbox", description="Run the sandbox EHR.")
    parser.add_argument("--config", type=Path, required=True, help="settings, a JSON file")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    arguments = parser.parse_args()
    try:
        config = read_config(arguments.config)
    except SandboxConfigError as error:
        sys.exit(f"sandbox: {error}")
    SandboxServer(config, arguments.port).run()


if __name__ == "__main__":
    main()
