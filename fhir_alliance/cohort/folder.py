"""The folder of one bulk export: files nobody else can read, and what is needed to go on after a crash."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from fhir_alliance.errors import ExportRefused

MANIFEST: Final = "manifest.json"
_RUNNING: Final = ".running.json"
_UNFINISHED: Final = ".part"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is exported: a group of an EHR, from an instant on, or all of it."""

    ehr: str
    group: str
    since: str | None = None


class Folder:
    """A folder for one export. Files come to their names when the export is complete, the manifest last of all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, wanted: Wanted) -> str | None:
        """Make the folder; return the status address of the same export when one was cut off here, else None.

        Raises ExportRefused, and changes nothing, when there is anything else in it.
        """
        if not self._path.exists():
            self._path.mkdir(mode=0o700, parents=True)
            return None
        if not self._path.is_dir():
            raise ExportRefused([f"{self._path} is not a folder: name another with --into"])
        names = {each.name for each in self._path.iterdir()}
        if not names:
            return None
        running = self._running() if _RUNNING in names else {}
        if MANIFEST in names or running.get("wanted") != asdict(wanted):
            raise ExportRefused([f"{self._path} holds something else already: name an empty folder with --into"])
        status = running.get("status")
        return status if isinstance(status, str) else None

    def begun(self, wanted: Wanted, status: str) -> None:
        """Keep where a running export can be asked about."""
        with self.replacing(_RUNNING) as file:
            file.write(orjson.dumps({"wanted": asdict(wanted), "status": status}))

    def ended(self) -> None:
        """Forget the running export, and what it has not finished."""
        for path in [self._path / _RUNNING, *self._path.glob(f"*{_UNFINISHED}")]:
            path.unlink(missing_ok=True)

    @contextmanager
    def unfinished(self, name: str) -> Iterator[BinaryIO]:
        """Open a new file under a name that says that it is not whole, for its owner only."""
        path = self._path / f"{name}{_UNFINISHED}"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def replacing(self, name: str) -> Iterator[BinaryIO]:
        """Open a file that takes the place of `name` when it is whole."""
        with self.unfinished(name) as file:
            yield file
        self._finish(name)

    def finish(self, names: Mapping[str, int], manifest: Mapping[str, Any]) -> None:
        """Give the files of an export their names, then write its manifest: with it, and not before, it is complete."""
        for name in names:
            self._finish(name)
        with self.replacing(MANIFEST) as file:
            file.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def _finish(self, name: str) -> None:
        (self._path / f"{name}{_UNFINISHED}").replace(self._path / name)
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _running(self) -> dict[str, Any]:
        try:
            found = orjson.loads((self._path / _RUNNING).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
