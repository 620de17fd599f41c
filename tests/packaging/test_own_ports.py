"""The ports that tests start servers on."""

import subprocess
import sys
from pathlib import Path

from tests.ports import BLOCK, END, FIRST, own_port

ROOT = Path(__file__).resolve().parents[2]


def test_no_port_is_given_twice() -> None:
    """Neither this process nor one beside it is given a port that somebody else is about to listen on."""
    asking = "from tests.ports import own_port; print(own_port())"
    given = [own_port() for _ in range(BLOCK // 2)]

    beside = subprocess.run([sys.executable, "-c", asking], cwd=ROOT, capture_output=True, text=True, check=True)

    assert len({*given, int(beside.stdout)}) == len(given) + 1
    assert all(FIRST <= port < END for port in given)
