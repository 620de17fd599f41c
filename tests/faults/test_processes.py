"""The real worker is ended, frozen or stopped in the middle of a delivery: the next one leaves one set in the chart."""

import signal
from collections.abc import Callable
from functools import partial
from threading import Event

from .bench import Bench, until
from .injecting import FLUSHES, failing
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


def test_f25_a_full_disk_pauses_the_worker_before_it_sends(bench: Bench) -> None:
    """What cannot be written down is not sent; with room again it is sent once."""
    key, worker = bench.accept(), bench.worker()
    tried, full = Event(), Event()
    bench.proxy.order("GET", "/fhir/Patient/", before=tried.set, after=full.wait)
    until(tried.is_set, "the patient is read")

    with failing(worker.pid, ["pwrite64"], "ENOSPC"):
        full.set()
        worker.send(signal.SIGTERM)
        worker.ended()
    paused = len(bench.proxy.posts())
    bench.pass_time(minutes=6)
    bench.worker()
    bench.until_over(key)

    assert (paused, bench.standing(key), len(bench.proxy.posts())) == (0, ("delivered", None), 1)
    assert bench.tally(key).broken == {}


def test_f26_a_failed_flush_ends_the_worker(bench: Bench) -> None:
    """A worker that cannot know what it has written ends with a failure; the next one ends what it began."""
    key, worker = bench.accept(), bench.worker()
    tried, failed = Event(), Event()
    bench.proxy.order("GET", "/fhir/Patient/", before=tried.set, after=failed.wait)
    until(tried.is_set, "the patient is read")

    with failing(worker.pid, FLUSHES, "EIO"):
        failed.set()
        status = worker.ended()
    bench.pass_time(minutes=6)
    bench.worker()
    bench.until_over(key)

    assert (status, bench.standing(key), len(bench.proxy.posts())) == (1, ("delivered", None), 1)
    assert bench.tally(key).broken == {}
