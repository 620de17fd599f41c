"""The clock of the real worker jumps by more than a year: nothing is lost, nothing is written twice."""

import signal
from pathlib import Path

from .bench import PATIENTS, Bench, until


def test_f28_a_worker_in_another_year_harms_nothing(bench: Bench) -> None:
    """Whatever it makes of its permissions and dates, the form is in the chart once when the clock is right again."""
    key = bench.accept()
    wrong = bench.start("worker", LD_PRELOAD=library(), FAKETIME="+400d", FAKETIME_DONT_FAKE_MONOTONIC="1")
    until(lambda: bench.proxy.seen, "the worker in another year asks")
    wrong.send(signal.SIGTERM)
    wrong.ended()
    sent = bench.standing(key)[0]

    bench.outbox.renew(ehr="harbor", patient=PATIENTS[0], grant=bench.grant())
    bench.worker()
    bench.until_over(key)

    assert sent in ("accepted", "held", "delivered")
    assert bench.standing(key) == ("delivered", None)
    assert (len(bench.proxy.posts()), bench.tally(key).broken) == (1, {})


def library() -> str:
    """Return what makes a process see another time; the program of the same name would stand between us and it."""
    return str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")))
