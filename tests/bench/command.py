"""What starting the command costs."""

import subprocess
import sys
from collections.abc import Callable, Iterator

from .measuring import Row, ratio, seconds


def command_rows() -> Iterator[Row]:
    """Measure how long the command takes to say what it can do, against an interpreter that does nothing."""

    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    took = seconds(run("-m", "smart_app.cli", "--help"), run("-c", "pass"), times=1)
    yield "fhir-alliance --help : python -c pass", ratio(*took), "≤ 8"
