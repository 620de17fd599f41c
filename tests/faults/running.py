"""The commands of `fhir-alliance` as processes that start quickly: forked from one that has imported them already."""

import os
import signal
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Final

_LIMIT: Final = 60.0
_forks: Final[ForkServerContext] = get_context("forkserver")
_forks.set_forkserver_preload(["smart_app.web.app", "smart_app.commands.site", "smart_app.serving"])


class Forked:
    """A command in a process of its own, the leader of its group."""

    def __init__(self, *arguments: str) -> None:
        self._process: ForkServerProcess = _forks.Process(target=run, args=arguments)
        self._process.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        os.kill(self.pid, number)

    def ended(self) -> int:
        """Wait for its end; returns the exit status, minus the signal's number when one has ended it."""
        self._process.join(_LIMIT)
        assert self._process.exitcode is not None
        return self._process.exitcode


def run(*arguments: str) -> None:
    """Run a command as the program does."""
    from smart_app.cli import main

    os.setsid()
    main(arguments)
