"""The real worker is ended, frozen or stopped in the middle of a delivery: the next one leaves one set in the chart."""

import signal
from collections.abc import Callable
from functools import partial
from threading import Event

from fhir_alliance.settings import read_settings
from smart_app import background
from smart_app.web.app import create_app

from .bench import PATIENTS, Bench, until
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


def test_f45_a_term_ends_a_worker_after_what_it_has_in_hand(bench: Bench) -> None:
    """After a TERM nothing more is leased; what was begun is ended, and the exit is a good one."""
    first, second = bench.accept(PATIENTS[0]), bench.accept(PATIENTS[1])
    came, told = Event(), Event()
    bench.proxy.order("POST", "/fhir", before=lambda: (came.set(), told.wait()))
    worker = bench.worker()
    until(came.is_set, "the worker sends")

    worker.send(signal.SIGTERM)
    told.set()
    status = worker.ended()

    assert (status, bench.standing(first), bench.standing(second)) == (0, ("delivered", None), ("accepted", None))
    assert bench.tally(first, second).broken == {}


def test_f45_a_deploy_loop_leaves_one_set_of_each(bench: Bench, long: bool) -> None:
    """Workers that are replaced again and again, each in the middle of something, lose and repeat nothing."""
    keys = []
    for number in range(50 if long else 10):
        keys.append(bench.accept(PATIENTS[number % len(PATIENTS)]))
        method, part, _ = POINTS[number % len(POINTS)]
        came = Event()
        bench.proxy.order(method, part, before=came.set)
        worker = bench.worker()
        until(came.is_set, f"the worker asks {method} {part}")

        worker.send(signal.SIGTERM)

        assert worker.ended() == 0
    bench.worker()
    bench.until_over(*keys)
    tally = bench.tally(*keys)
    assert (tally.delivered, tally.broken) == (len(keys), {})


def test_f45_nobody_waits_for_longer_than_the_drain(bench: Bench) -> None:
    """An EHR that does not answer does not keep the process: it ends in time, and the next one finds out."""
    key = bench.accept()
    came, told = Event(), Event()
    bench.proxy.order("POST", "/fhir", before=lambda: (came.set(), told.wait()))
    services = create_app(read_settings(bench.site.settings)).extensions["alliance"]
    background.start(services)
    until(came.is_set, "it sends")

    background.stop(services, within=0.1)
    left = bench.standing(key)
    told.set()
    services.courier.stop()
    services.engine.dispose()

    assert left[0] == "leased"
    assert bench.standing(key) == ("delivered", None)
