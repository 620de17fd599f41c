"""An answer that never ends: written to a connection drop by drop."""

import threading
from collections.abc import Callable
from typing import BinaryIO


def drip(head: bytes, drop: bytes = b"x") -> Callable[[BinaryIO, threading.Event], None]:
    """Write a head at once and then four seconds of single drops, each well within any time-out of one read."""

    def write(out: BinaryIO, stopped: threading.Event) -> None:
        out.write(head)
        for _ in range(200):
            if stopped.wait(0.02):
                return
            out.write(drop)

    return write
