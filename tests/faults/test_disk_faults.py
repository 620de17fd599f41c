"""The disk refuses the real process that serves pages: nobody is thanked for what is not on it, and nothing is lost."""

from pathlib import Path

from tests.web.house import code_of

from .bench import Bench, until
from .injecting import FLUSHES, children, failing
from .served import at_review, key_of, send


def test_f24_f25_a_full_disk_thanks_nobody_and_pages_go_on(bench: Bench) -> None:
    """With no room for the form and its audit row, 503 says that the answers are still here; later all is well."""
    (served,) = children(bench.serve("--no-deliver").pid)
    person, review = at_review(bench)

    with failing(served, ["pwrite64"], "ENOSPC"):
        refused = send(person, review)
        read = person.open(review.url)
    receipt = send(person, review)

    assert (refused.status, code_of(refused)) == (503, "store.refused")
    assert "still here" in refused.text
    assert "Thank you" not in refused.text
    assert read.status == 200
    assert "Thank you" in receipt.text
    assert bench.tally(key_of(receipt)).accepted == 1


def test_f26_a_failed_flush_ends_the_process_and_the_next_checks(bench: Bench) -> None:
    """A commit that cannot be flushed is unknown: not thanked for, the process makes way, and a resend is one form."""
    server = bench.serve("--no-deliver")
    (first,) = children(server.pid)
    person, review = at_review(bench)

    with failing(first, FLUSHES, "EIO"):
        refused = send(person, review)
        until(lambda: first not in children(server.pid), "the process has ended")
    until(lambda: children(server.pid) and bench.answers(), "another one serves")
    receipt = send(person, review)

    assert (refused.status, code_of(refused)) == (503, "store.refused")
    assert "Thank you" in receipt.text
    assert bench.tally(key_of(receipt)).accepted == 1


def test_f27_a_damaged_database_is_not_served(bench: Bench) -> None:
    """With damaged pages in the file neither the server nor the worker goes on, and both end with a failure."""
    for _ in range(30):
        bench.accept()
    bench.store.dispose()
    path = Path(bench.database.removeprefix("sqlite:///"))
    content = bytearray(path.read_bytes())
    content[-8192:-4096] = b"\xff" * 4096
    path.write_bytes(content)

    server = bench.start("serve", "--port", str(bench.app_port))
    worker = bench.worker()

    assert server.ended() != 0
    assert worker.ended() == 1
    assert not bench.answers()
