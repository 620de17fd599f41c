"""Ports for servers that are started later: nobody else takes one in between."""

import fcntl
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Final

FIRST: Final = 12_000
"""From here to END no system hands out ports by itself, as Linux does from 32768 on to whoever asks for any."""

END: Final = 28_000
BLOCK: Final = 100
"""How many ports a process has for itself at a time."""


def own_port() -> int:
    """Return a port on which nobody listens, and that no other process of tests will be given while this one runs.

    A port that the system chose and that was let go again may be gone before a server is started on it: to an outgoing
    connection, or to a test beside this one.
    """
    _, ports = _block()
    return next(port for port in itertools.islice(ports, BLOCK) if _is_free(port))


@cache
def _block() -> tuple[IO[bytes], Iterator[int]]:
    """Return a block of ports that is ours as long as its file is locked, which ends with this process."""
    folder = Path(tempfile.gettempdir()) / f"fhir-alliance-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for first in range(FIRST, END, BLOCK):
        lock = (folder / str(first)).open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return lock, itertools.cycle(range(first, first + BLOCK))
    raise AssertionError("every port for tests is taken")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
