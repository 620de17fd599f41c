"""A FHIR server of somebody else as a process on loopback: sekmet-fhir, open or asking for SMART tokens."""

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import own_port


@contextmanager
def running_sekmet(folder: Path, *, base: str = "", port: int = 0, **settings: Any) -> Iterator[str]:
    """Run the server with an empty store in a folder; yields its FHIR base, at `base` when that is in front of it.

    `settings` are those of its own settings file.
    """
    port = port or own_port()
    base = base or f"http://127.0.0.1:{port}/fhir"
    given = {
        "base_url": base,
        "db_path": str(folder / "sekmet.db"),
        "data_dir": str(folder),
        "simulator": {"enabled": False},
    }
    config, log = folder / "sekmet.yaml", folder / "sekmet.log"
    config.write_text(json.dumps(given | settings))  # JSON is YAML
    command = [f"{sysconfig.get_path('scripts')}/sekmet", "serve", "--config", str(config)]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], cwd=folder, stdout=output, stderr=output
        )
        try:
            _wait(process, log)
            yield base
        finally:
            process.terminate()
            process.wait(10)


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    while "Uvicorn running" not in log.read_text():
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"the server ended: {log.read_text()}")
