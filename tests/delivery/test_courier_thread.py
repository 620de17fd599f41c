"""The courier in its own thread."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]


def test_thread_delivers_what_is_accepted(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """The running courier is woken by an accepted form, and stopping it finishes what it has in hand."""
    site.courier.start()
    key = accept()

    seen = ehr.observed.wait(10)
    site.courier.stop()

    assert seen
    assert site.standing(key) == ("delivered", None)


def test_thread_delivers_what_was_left(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """What was accepted before a restart is delivered by the start alone."""
    key = accept()
    site.outbox.accepted.clear()

    site.courier.start()
    seen = ehr.observed.wait(10)
    site.courier.stop()

    assert seen
    assert site.standing(key) == ("delivered", None)


def test_thread_survives_a_database_that_refuses(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """While nothing can be written down the courier pauses, says so, and goes on by itself afterwards (F25)."""
    key = accept()
    paused = threading.Event()
    failing = True

    @event.listens_for(site.engine, "before_cursor_execute")
    def refuse(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if failing and statement.startswith("UPDATE submissions"):
            paused.set()
            cursor.execute("SELECT * FROM nowhere")

    site.courier.start()
    stopped = paused.wait(10)
    failing = False
    seen = ehr.observed.wait(10)
    site.courier.stop()

    assert (stopped, seen, site.standing(key)) == (True, True, ("delivered", None))


def test_stopping_what_never_started_is_harmless(site: "Site") -> None:
    """Stop can be called at any time."""
    site.courier.stop()

    assert site.courier.deliver_due(site.clock.now) == 0
