"""An EHR that is left alone got nothing: what is known of a form stays as it was (F03)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fhir_alliance.ehr.breaker import FAILURES, PAUSE

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}


def leave_alone(site: "Site") -> None:
    """Let the EHR fail so often in a row that nothing more is sent to it."""
    breaker = site.registry.door(site.registry.by_name("harbor"))._breaker
    for _ in range(FAILURES):
        with breaker.passage() as passage:
            passage.answered = False


def test_nothing_is_asked_while_an_ehr_is_left_alone(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """The form waits as accepted, the EHR sees no request, and after the pause the form is delivered."""
    key = accept()
    leave_alone(site)

    site.deliver()
    waiting, asked = site.standing(key), [*ehr.reads, *ehr.posts]
    site.deliver(seconds=PAUSE)

    assert (waiting, asked) == (("accepted", "ehr.not-sent"), [])
    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


def test_a_send_that_was_not_made_needs_no_look(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Left alone just before the send: written down as not sent, never searched for, and sent once afterwards."""
    key = accept()
    site.courier._queue.begin_send = _then(site.courier._queue.begin_send, lambda: leave_alone(site))

    site.deliver()
    waiting, sends = site.standing(key), site.sends()
    del site.courier._queue.begin_send
    site.deliver(seconds=PAUSE)

    assert (waiting, sends) == (("accepted", "ehr.not-sent"), [("whole", "not-sent", None)])
    assert "QuestionnaireResponse" not in ehr.reads
    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


def test_an_unknown_outcome_stays_unknown(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """A send that was not made proves nothing about the one before it: that one is still looked for first."""
    key = accept()
    ehr.faults.append(make_fault(status=None))
    site.deliver()
    site.courier._queue.begin_send = _then(site.courier._queue.begin_send, lambda: leave_alone(site))
    site.deliver(minutes=15)
    unknown = site.standing(key), [outcome for _, outcome, _ in site.sends()]
    del site.courier._queue.begin_send
    ehr.commit(ehr.posts[0])

    site.deliver(minutes=15)

    assert unknown == (("unknown", "ehr.not-sent"), ["unknown", "not-sent"])
    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


def _then(do: Callable[..., int], also: Callable[[], None]) -> Callable[..., int]:
    """Return what does both."""

    def both(*args: Any) -> int:
        result = do(*args)
        also()
        return result

    return both


def test_a_refresh_that_stalls_holds_up_nobody_else(site: "Site", ehr: "FakeEhr") -> None:
    """While one permission is being renewed, another's is renewed as well."""
    ehr.refreshes = {"r2": {"access_token": "token-2"}}
    first, second = site.grant(refresh="r1"), site.grant(refresh="r2")

    with site.grants._flight(first):
        token = site.grants.token(second, rejected="token-1")

    assert (token, ehr.refreshed) == ("token-2", ["r2"])
