"""The state machine of delivery for thousands of steps, on both databases, from a seed."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from rich.console import Console
from structlog.testing import capture_logs

from tests import postgres
from tests.machine.deliveries import Deliveries

STEPS = 50


def wander(kind: str, steps: int, first_seed: int, console: Console) -> bool:
    """Run so many steps on one kind of database; returns whether the invariants held after each."""
    long = settings(
        max_examples=max(1, steps // STEPS),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with _databases(kind) as database, capture_logs():
        machine = seed(first_seed)(type("Machine", (Deliveries,), {"database": staticmethod(database)}))
        try:
            run_state_machine_as_test(machine, settings=long)
        except AssertionError as error:
            console.print(f"state machine on {kind}: BAD, seed {first_seed}\n{error}", markup=False, highlight=False)
            return False
    console.print(f"state machine on {kind}: good, up to {steps:,} steps, seed {first_seed}", highlight=False)
    return True


@contextmanager
def _databases(kind: str) -> Iterator[Callable[[], str]]:
    """Yield what makes an empty database."""
    with tempfile.TemporaryDirectory(prefix="fhir-alliance-machine-") as folder:
        numbers = itertools.count()
        if kind == "sqlite":
            yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"
            return
        with postgres.running() as cluster:
            yield cluster.database
