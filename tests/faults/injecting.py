"""System calls of a running process that fail, or end it, through `strace`."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

FLUSHES = ("fsync", "fdatasync")


@contextmanager
def failing(pid: int, calls: Sequence[str], error: str) -> Iterator[None]:
    """Let system calls of a process fail with an error as long as the block runs, in all of its threads."""
    with _injected(pid, calls, f"error={error}"):
        yield


@contextmanager
def killed_at(pid: int, calls: Sequence[str], number: int) -> Iterator[None]:
    """End a process, as a power cut does, when one of its threads makes the so many-th of some system calls."""
    # It waits for ever, now and then, for the threads of a process that it has ended.
    with _injected(pid, calls, f"signal=SIGKILL:when={number}", end=signal.SIGKILL):
        yield


@contextmanager
def _injected(pid: int, calls: Sequence[str], what: str, *, end: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    named = ",".join(calls)
    inject = ["-e", f"trace={named}", "-e", f"inject={named}:{what}", "-e", "signal=none"]
    # A line for each call would fill the pipe, and then the process stands still in the next one.
    command = ["strace", "-f", "-o", "/dev/null", *inject, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    threads = {*_threads(pid)}
    try:
        while threads and (line := tracer.stderr.readline()):
            if b"attached" in line:
                threads = {*_threads(pid)} - _traced(pid)
        yield
    finally:
        tracer.send_signal(end)
        tracer.communicate()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(each) for each in text.split()]


def _threads(pid: int) -> set[str]:
    return {path.name for path in Path(f"/proc/{pid}/task").iterdir()}


def _traced(pid: int) -> set[str]:
    """Return the threads of a process that a tracer holds."""
    status = {name: Path(f"/proc/{pid}/task/{name}/status").read_text() for name in _threads(pid)}
    return {name for name, text in status.items() if "TracerPid:\t0\n" not in text}
