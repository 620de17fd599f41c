"""The state machine for a while, always the same way; `make soak` lets it run for long, from a seed."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.deliveries import Deliveries
from tests.postgres import Cluster

SHORT = settings(
    derandomize=True,
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_happens_on_sqlite(empty_file: Path, tmp_path: Path) -> None:
    """In whatever order forms, faults, crashes and sign-ins come, I1-I8 hold, and receipts == charts + held."""
    numbers = count()

    def copy() -> str:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copy(empty_file, path)
        return f"sqlite:///{path}"

    run(copy)


def test_whatever_happens_on_postgresql(postgresql: Cluster, empty_template: str) -> None:
    """The same holds on PostgreSQL."""
    run(lambda: postgresql.database(empty_template))


def run(database: Callable[[], str]) -> None:
    """Run the machine on databases of one kind."""
    run_state_machine_as_test(type("Machine", (Deliveries,), {"database": staticmethod(database)}), settings=SHORT)
