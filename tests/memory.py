"""Where files need no disk: what a test wrote is gone with it, so no test should wait for a disk to have it."""

import os
import shutil
from pathlib import Path
from typing import Final

_FOLDER: Final = Path("/dev/shm")  # noqa: S108  # folders of names that nobody else has are made in it
_ENOUGH: Final = 2 * 1024**3


def in_memory() -> Path | None:
    """Return a folder that is memory, None where there is none, too little of it, or one that no program runs from."""
    if not os.access(_FOLDER, os.W_OK) or os.statvfs(_FOLDER).f_flag & os.ST_NOEXEC:
        return None
    return _FOLDER if shutil.disk_usage(_FOLDER).free >= _ENOUGH else None
