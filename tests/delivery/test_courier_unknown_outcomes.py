"""What was perhaps written is looked for before anything is sent again."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}
FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (None, b""),
        (500, b""),
        (502, b"<html>"),
        (504, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b'{"resourceType":"Bu'),
    ],
    ids=["dropped", "500", "502", "504", "empty", "html", "cut"],
)
def test_f05_f06_f13_commit_without_a_usable_answer_is_found_again(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any], status: int | None, body: bytes
) -> None:
    """Written but not heard of: unknown, then found by identifier, and not sent a second time (F05, F06, F13)."""
    key = accept()
    ehr.faults.append(make_fault(status=status, body=body, commit=True))

    site.deliver()
    unknown = site.standing(key)
    site.deliver(minutes=15)

    assert unknown == ("unknown", "ehr.unreachable" if status in (None, 200) else "ehr.refused")
    assert site.standing(key) == ("delivered", None)
    assert (ehr.count(), len(ehr.posts)) == (ONE_SET, 1)


@pytest.mark.parametrize("status", [None, 500, 503])
def test_send_that_left_nothing_is_sent_again(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any], status: int | None
) -> None:
    """Not written and not heard of: after the quiet time and an empty search it is sent again, once."""
    key = accept()
    ehr.faults.append(make_fault(status=status))

    site.deliver()
    site.deliver(minutes=1)

    assert site.standing(key) == ("delivered", None)
    assert (ehr.count(), len(ehr.posts)) == (ONE_SET, 2)


def test_f07_nothing_is_sent_again_in_the_quiet_time(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """A slow EHR may still be writing: while it may, an empty search is no reason to send (F07)."""
    key = accept()
    ehr.faults.append(make_fault(status=None))
    site.deliver()

    site.deliver(seconds=10)
    sent_early = len(ehr.posts)
    ehr.commit(ehr.posts[0])
    site.deliver(minutes=2)

    assert (sent_early, len(ehr.posts), ehr.count()) == (1, 1, ONE_SET)
    assert site.standing(key) == ("delivered", None)


def test_quiet_time_begins_with_the_send(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """Reads before a send may be slow: the quiet time counts from the send, not from the begin of the try (F07)."""
    accept()
    ehr.faults.append(make_fault(status=None))
    ehr.on_patient_read = lambda: site.clock.pass_by(seconds=50)
    site.deliver()

    site.deliver(seconds=10)

    assert len(ehr.posts) == 1


def test_time_goes_on_while_a_full_outbox_is_delivered(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """What is sent an hour after the delivery began has its lease and its quiet time from then (F07, F09)."""
    accept(key=FIRST)
    key = accept(key=SECOND)
    standing = []

    def long_after() -> None:
        site.clock.pass_by(hours=1)
        ehr.on_patient_read = fail_the_second

    def fail_the_second() -> None:
        standing.append(site.leased_for(key))
        ehr.faults.append(make_fault(status=None))

    ehr.on_patient_read = long_after
    site.deliver()
    site.deliver(seconds=10)

    assert standing == [timedelta(minutes=5)]
    assert len(ehr.posts) == 2


def test_lost_answer_on_a_server_that_ignores_identifier(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """Where `identifier` is ignored everything comes back, and ours is told apart on our side."""
    ehr.honours_identifier = False
    accept(key=FIRST)
    site.deliver()
    key = accept(key=SECOND)
    ehr.faults.append(make_fault(status=None))

    site.deliver()
    site.deliver(minutes=1)
    stored = [value["identifier"]["value"] for value in ehr.resources["QuestionnaireResponse"].values()]

    assert site.standing(key) == ("delivered", None)
    assert stored == [f"urn:uuid:{FIRST}", f"urn:uuid:{SECOND}"]


def test_condition_matched_to_another_visit_is_noticed(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A server that ignores the parameter of a condition offers an older response as ours; that is no delivery."""
    accept(key=FIRST)
    site.deliver()
    ehr.honours_condition = False
    key = accept(key=SECOND)

    site.deliver()

    assert (site.standing(key), ehr.count()["QuestionnaireResponse"]) == (("held", "identifier-changed"), 1)


def test_lost_answer_on_a_server_that_refuses_to_search_by_identifier(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """Where searching is refused, an unknown outcome goes to a person and is never sent again."""
    key = accept()
    ehr.faults.append(make_fault(status=None, commit=True))
    ehr.read_faults["QuestionnaireResponse"] = make_fault(status=403)

    site.deliver()
    site.deliver(minutes=15)

    assert site.standing(key) == ("held", "outcome-unknown")
    assert (ehr.count(), len(ehr.posts)) == (ONE_SET, 1)


def test_reconcile_that_fails_is_tried_again(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """While the EHR cannot say, nothing is sent and the state stays unknown."""
    key = accept()
    ehr.faults.append(make_fault(status=None, commit=True))
    ehr.read_faults["QuestionnaireResponse"] = make_fault(status=500)

    site.deliver()
    site.deliver(minutes=15)
    still = site.standing(key)
    ehr.read_faults.clear()
    site.deliver(minutes=15)

    assert still == ("unknown", "ehr.refused")
    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


OUTCOME = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception"}]}'


@pytest.mark.parametrize("commit", [True, False], ids=["written", "not-written"])
@pytest.mark.parametrize(
    "body",
    [OUTCOME, b"", b'{"resourceType":"Bundle","type":"transaction-resp', b"<html><body>OK</body></html>"],
    ids=["error-outcome", "empty", "truncated", "html"],
)
@pytest.mark.parametrize("status", [200, 201])
def test_f12_a_yes_that_says_nothing_usable_is_looked_up(
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    make_fault: Callable[..., Any],
    status: int,
    body: bytes,
    commit: bool,
) -> None:
    """A 2xx is no delivery: the chart is searched, and whether it was written or not there is one set (F12)."""
    key = accept()
    ehr.faults.append(make_fault(status=status, body=body, commit=commit))

    site.deliver()
    unknown = site.standing(key)
    site.deliver(minutes=15)

    assert unknown == ("unknown", "ehr.unreachable")
    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert len(ehr.posts) == (1 if commit else 2)


def test_f12_answer_without_location_is_looked_up(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A yes without a Location is no yes yet: the response is found by its identifier (F12)."""
    key = accept()
    ehr.with_location = False

    site.deliver()

    assert (site.standing(key), len(ehr.posts)) == (("delivered", None), 1)


def test_f08_lagging_index_is_waited_for(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Written but not yet to be found: unknown, never sent again, delivered when it shows (F08)."""
    key = accept()
    ehr.with_location = False
    ehr.hides = {"QuestionnaireResponse", "Observation"}

    site.deliver()
    site.deliver(minutes=15)
    hidden = site.standing(key)
    ehr.hides = {"Observation"}
    site.deliver(minutes=15)
    half = site.standing(key)
    ehr.hides = set()
    site.deliver(minutes=15)

    assert hidden == half == ("unknown", "not-read-back")
    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


def test_response_is_remembered_by_its_id(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """Once the EHR has said under which id the response is, nobody searches for it again."""
    key = accept()
    ehr.hides = {"Observation"}
    site.deliver()
    ehr.hides = set()
    ehr.read_faults["QuestionnaireResponse"] = make_fault(status=403)

    site.deliver(minutes=15)

    assert (site.standing(key), len(ehr.posts)) == (("delivered", None), 1)
