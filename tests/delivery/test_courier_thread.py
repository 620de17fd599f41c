"""The courier in its own thread."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from fhir_alliance.delivery.queue import Queue

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


def test_f03_a_slow_ehr_delays_no_other(
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    accept_at: Accept,
) -> None:
    """While one EHR keeps the courier waiting, what goes to another one is delivered (F03)."""
    asked, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        go_on.wait(10)

    slow = accept()
    ehr.on_patient_read = wait
    site.courier.start()
    stalled = asked.wait(10)
    other = accept_at(site, key="00000000-0000-4000-8000-000000000002", ehr="bay")
    while site.standing(other)[0] in ("accepted", "leased"):
        threading.Event().wait(0.01)

    assert stalled
    assert site.standing(slow)[0] == "leased"
    assert site.standing(other)[0] == "held"  # an EHR that is not registered: told, not waited for
    go_on.set()
    site.courier.stop()
    assert site.standing(slow) == ("delivered", None)


def test_an_error_nobody_foresaw_stops_no_other(
    site: "Site", ehr: "FakeEhr", accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form on which the program itself fails is held for a person, and the next one is delivered (F43)."""
    poisoned = accept()
    open_patient = Queue.patient

    def fail(queue: Queue, item: Any) -> Any:
        if item.key == poisoned:
            raise ZeroDivisionError
        return open_patient(queue, item)

    monkeypatch.setattr(Queue, "patient", fail)
    good = accept(key="00000000-0000-4000-8000-000000000002")

    site.deliver()
    site.deliver()

    assert site.standing(poisoned) == ("held", "failed")
    assert site.standing(good) == ("delivered", None)


def test_stopping_what_never_started_is_harmless(site: "Site") -> None:
    """Stop can be called at any time."""
    site.courier.stop()

    assert site.courier.deliver_due(site.clock.now) == 0
