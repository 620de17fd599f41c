"""PostgreSQL dies just at a commit: who asks again by the same key finds the form, or makes it, once."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from fhir_alliance.errors import StoreError
from fhir_alliance.records.submission import Submission
from tests import postgres

from .bench import Bench, open_bench, until


@pytest.fixture
def shared(tmp_path: Path, record: Path, make_submission: Callable[..., Submission]) -> Iterator[Bench]:
    """Set a bench up on a PostgreSQL server of its own."""
    with postgres.running() as cluster, open_bench(tmp_path, record, make_submission, cluster.database()) as opened:
        yield opened


@pytest.mark.parametrize("committed", [True, False], ids=["after", "before"])
def test_f29_a_server_killed_at_the_commit_leaves_one_form(shared: Bench, committed: bool) -> None:
    """Nobody is thanked, as nobody knows; the same key then gives one receipt, whether or not the commit was done."""
    submission, grant = shared.submission(), shared.grant()

    @event.listens_for(shared.store, "commit", once=True)
    def die(connection: Connection) -> None:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        if committed:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("SELECT 1")  # the driver has yet to hear of the end
        os.kill(int(pid), signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}").exists(), "the server's process is gone")

    with pytest.raises(StoreError):
        shared.accept_again(submission, grant)
    until(lambda: tried(shared, submission, grant), "accepted")
    shared.worker()
    shared.until_over(submission.key)

    tally = shared.tally(submission.key)
    assert (tally.accepted, tally.delivered, tally.broken) == (1, 1, {})


def tried(bench: Bench, submission: Submission, grant: str) -> bool:
    """Press Send again; says whether it was accepted."""
    try:
        bench.accept_again(submission, grant)
    except StoreError:
        return False
    return True
