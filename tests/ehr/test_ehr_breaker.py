"""An EHR that does not answer is left alone, and takes nobody else down with it (F03)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

import pytest

from fhir_alliance.ehr.breaker import AT_ONCE, FAILURES, PAUSE, Breaker, turn
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import EhrError, EhrUnreachable, ForeignUrl, NotSent


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """Return the breaker of one EHR, at which nobody waits."""
    return Breaker(clock, patience=0)


@pytest.fixture
def guarded(server: Any, breaker: Breaker) -> Door:
    """Return a door with that breaker."""
    return Door(base_urls=[server.base], allow_private=True, breaker=breaker, max_bytes=1000)


def cut(out: BinaryIO, _: threading.Event) -> None:
    """Close the connection in the middle of an answer."""
    out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")


def ask(door: Door, server: Any, times: int = 1) -> list[str]:
    """Ask some times; returns what came of each."""
    found = []
    for _ in range(times):
        try:
            found.append(str(door.request("GET", f"{server.base}/x").status))
        except EhrError as error:
            found.append(error.code)
    return found


def tell(breaker: Breaker, *answers: bool | None) -> None:
    """Let requests pass one after another, each with what it told."""
    for answered in answers:
        with breaker.passage() as passage:
            passage.answered = answered


def say(server: Any, how: str) -> None:
    """Let every answer be no answer."""
    if how == "cut":
        server.raw("GET", "/fhir/x", cut)
    else:
        server.on("GET", "/fhir/x", {}, status=int(how))


@pytest.mark.parametrize(("how", "code"), [("cut", "ehr.unreachable"), ("500", "500"), ("503", "503")])
def test_after_five_failures_nothing_is_sent(server: Any, guarded: Door, how: str, code: str) -> None:
    """Requests without an answer are counted; then the EHR sees no more of them, and they say so."""
    say(server, how)

    found = ask(guarded, server, FAILURES + 3)

    assert found == [code] * FAILURES + ["ehr.not-sent"] * 3
    assert len(server.seen) == FAILURES
    assert guarded.availability.state == "open"


def test_a_peer_that_is_not_there_is_left_alone(server: Any, guarded: Door) -> None:
    """A refused connection is a failure as well."""
    server.stop()

    assert ask(guarded, server, FAILURES + 1) == ["ehr.unreachable"] * FAILURES + ["ehr.not-sent"]


@pytest.mark.parametrize("status", [200, 307, 401, 404, 429])
def test_any_answer_begins_the_count_anew(server: Any, guarded: Door, status: int) -> None:
    """Only failures in a row count: a refusal, a redirect and a busy EHR are answers."""
    for _ in range(FAILURES - 1):
        say(server, "500")
    server.on("GET", "/fhir/x", {}, status=status)
    say(server, "500")

    found = ask(guarded, server, FAILURES * 2 - 1)

    assert "ehr.not-sent" not in found
    assert guarded.availability.failures == FAILURES - 1


def test_what_says_nothing_of_the_ehr_is_not_counted(server: Any, guarded: Door, breaker: Breaker, sink: Any) -> None:
    """An answer that is too large is one; a private peer that was never spoken to is none."""
    server.on("GET", "/fhir/x", b"x" * 1001)
    private = Door(base_urls=[sink.base], allow_private=False, breaker=breaker)

    assert ask(guarded, server, FAILURES + 1) == ["ehr.unreachable"] * (FAILURES + 1)
    for _ in range(FAILURES + 1):
        with pytest.raises(ForeignUrl):
            private.request("GET", f"{sink.base}/x")

    assert (breaker.availability.state, breaker.availability.in_flight) == ("closed", 0)


@pytest.mark.parametrize(("answered", "after"), [(True, "closed"), (False, "open"), (None, "open")])
def test_after_the_pause_a_single_request_tries(
    breaker: Breaker, clock: Clock, answered: bool | None, after: str
) -> None:
    """While one tries the others are refused; an answer opens the way for all, anything else is another pause."""
    tell(breaker, *[False] * FAILURES)
    clock.seconds += PAUSE
    before = breaker.availability.state

    with breaker.passage() as trying:
        with pytest.raises(NotSent):
            tell(breaker, True)
        trying.answered = answered

    assert (before, breaker.availability.state) == ("half-open", after)
    clock.seconds += PAUSE
    tell(breaker, True)
    assert breaker.availability.state == "closed"


def test_before_the_end_of_the_pause_nobody_tries(breaker: Breaker, clock: Clock) -> None:
    """The pause counts from the failure that opened it; those that were under way then do not lengthen it."""
    with breaker.passage() as late:
        tell(breaker, *[False] * FAILURES)
        clock.seconds += PAUSE - 0.1
        late.answered = False

    with pytest.raises(NotSent):
        tell(breaker, True)

    clock.seconds += 0.1
    tell(breaker, True)


def test_a_late_answer_ends_the_pause(breaker: Breaker) -> None:
    """An answer to a request from before shows that the EHR is there."""
    with breaker.passage() as late:
        tell(breaker, *[False] * FAILURES)
        late.answered = True

    tell(breaker, True)

    assert breaker.availability.failures == 0


def test_a_fault_of_ours_gives_the_place_back(breaker: Breaker) -> None:
    """Whatever is raised within, the request is no longer under way."""
    for _ in range(AT_ONCE + 1):
        with pytest.raises(KeyError), breaker.passage():
            raise KeyError

    assert (breaker.availability.state, breaker.availability.in_flight) == ("closed", 0)


def test_no_more_than_its_share_is_under_way(breaker: Breaker) -> None:
    """An EHR gets a few requests at a time; one more is refused, and passes when another has ended."""
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(breaker.passage())
        with pytest.raises(NotSent, match="too many"):
            tell(breaker, True)
        full = breaker.availability.in_flight

    tell(breaker, True)

    assert (full, breaker.availability.in_flight) == (AT_ONCE, 0)


def test_a_turn_that_does_not_come_is_told() -> None:
    """Who waits for what an EHR holds up gives up, and leaves the lock as it is."""
    lock = threading.Lock()

    with turn(lock), pytest.raises(NotSent), turn(lock, patience=0):
        pass

    assert not lock.locked()


@contextmanager
def stalled(registry: Registry, ehr: Any, server: Any) -> Iterator[threading.Event]:
    """Let an EHR take as many requests as it gets and answer none until the event is set."""
    arrived, go_on = threading.Semaphore(0), threading.Event()

    def stall(_: BinaryIO, __: threading.Event) -> None:
        arrived.release()
        go_on.wait(30)

    server.raw("GET", "/fhir/x", stall)
    door = registry.door(ehr)
    threads = [threading.Thread(target=ask, args=(door, server)) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert arrived.acquire(timeout=30)
    yield go_on
    go_on.set()
    for thread in threads:
        thread.join()


def test_an_ehr_that_stalls_leaves_another_alone(
    ehr: Any, server: Any, settings_of: Callable[..., Any], sink: Any, clock: Clock
) -> None:
    """While one EHR answers nothing its place is taken, another's is not; then it is left alone, the other is not."""
    other = replace(ehr, name="lakeside", fhir_base=f"{server.url}/lake")
    server.on("GET", "/lake/x", {})
    registry = Registry(settings_of(ehr, other), clock=clock)

    with stalled(registry, ehr, server):
        busy = registry.availability()["harbor"].in_flight
        answer = registry.door(other).request("GET", f"{other.fhir_base}/x").status
        with pytest.raises(NotSent):
            registry.door(ehr).request("GET", f"{ehr.fhir_base}/x")
        asked = len([seen for seen in server.seen if seen.path == "/fhir/x"])
    after = {name: each.state for name, each in registry.availability().items()}

    assert (busy, asked, answer) == (AT_ONCE, AT_ONCE, 200)
    assert after == {"harbor": "open", "lakeside": "closed"}
    assert registry.door(other).request("GET", f"{other.fhir_base}/x").status == 200


def test_what_was_not_sent_is_not_of_unknown_outcome() -> None:
    """Nobody who looks for an unknown outcome finds this one among them, and a person reads the same as before."""
    assert not issubclass(NotSent, EhrUnreachable)
    assert (NotSent.http_status, NotSent.title) == (EhrUnreachable.http_status, EhrUnreachable.title)
