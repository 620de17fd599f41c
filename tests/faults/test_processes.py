"""The real worker is ended, frozen or stopped in the middle of a delivery: the next one leaves one set in the chart."""

import signal
from collections.abc import Callable
from functools import partial
from threading import Event

from .bench import Bench, until
from .proxy import lost
from .running import Forked

POINTS = [
    ("POST", "/auth/token", "before"),
    ("GET", "/fhir/Patient/", "after"),
    ("POST", "/fhir", "before"),
    ("POST", "/fhir", "after"),
    ("GET", "/fhir/QuestionnaireResponse", "before"),
    ("GET", "/fhir/Observation", "after"),
]


def test_f22_a_worker_killed_at_any_step_leaves_one_set(bench: Bench) -> None:
    """At each named step the process dies at once; its successor finds out how far it came, and ends it."""
    keys, workers = [], list[Forked]()
    for method, part, when in POINTS:
        killed = Event()
        point: dict[str, Callable[[], object]] = {when: partial(kill, workers, killed)}
        bench.proxy.order(method, part, forward=when == "after", reply=lost, **point)
        keys.append(bench.accept())
        bench.pass_time(minutes=6)

        workers.append(bench.worker())
        until(killed.is_set, f"killed {when} {method} {part}")
        workers[-1].ended()
    bench.pass_time(minutes=6)
    bench.worker()
    bench.until_over(*keys)

    tally = bench.tally(*keys)
    assert (tally.delivered, tally.broken) == (len(POINTS), {})


def kill(workers: list[Forked], killed: Event) -> None:
    """End the newest worker as a power cut does."""
    workers[-1].send(signal.SIGKILL)
    killed.set()
