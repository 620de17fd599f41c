"""Files that only their owner can read, each on the disk as a whole or not at all."""

import os
from pathlib import Path


def create_private(path: Path, content: bytes) -> None:
    """Write a new file; FileExistsError rather than lose what is there, OSError when it cannot be written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, content: bytes) -> None:
    """Put new content in the place of a file, whose links are followed; OSError when it cannot be written.

    A crash leaves the old content or the new one.
    """
    path = path.resolve()
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    create_private(new, content)
    new.replace(path)
    _flush(path.parent)


def _flush(folder: Path) -> None:
    """Put the names in a folder on the disk: what a key has sealed or signed is worth nothing without its file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
