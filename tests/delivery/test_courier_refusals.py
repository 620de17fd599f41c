"""What the EHR refuses is sent with less, later, or not at all, and the reason is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from fhir_alliance.records.bundle import write_bundle

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
FULL = {str(item): "7" for item in range(1, 13)}
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}
NOTHING = {"QuestionnaireResponse": 0, "Observation": 0, "Provenance": 0}


def kinds(bundle: dict[str, Any]) -> set[str]:
    """Return the resource types in a bundle."""
    return {entry["resource"]["resourceType"] for entry in bundle["entry"]}


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_refused_provenance_never_blocks_a_score(site: "Site", ehr: "FakeEhr", accept: Accept, status: int) -> None:
    """When the EHR refuses the bundle because of its Provenance, the rest is written without it."""
    key = accept()
    ehr.refuses = lambda bundle: status if "Provenance" in kinds(bundle) else None

    site.deliver()

    assert site.standing(key) == ("delivered", None)
    assert ehr.count() == {**ONE_SET, "Provenance": 0}
    assert site.sends() == [("whole", "refused", status), ("without-provenance", "written", 201)]


def test_provenance_nobody_allowed_is_not_even_tried(
    site: "Site", ehr: "FakeEhr", make_submission: Callable[..., Any]
) -> None:
    """Without permission to create a Provenance the scores are written in one send, without one."""
    submission = make_submission(FULL, form="full")
    bundle = orjson.dumps(write_bundle(submission))
    site.outbox.accept(submission, bundle, grant=site.grant(scopes="patient/Observation.crus"))

    site.deliver()

    assert ehr.count() == {**ONE_SET, "Provenance": 0}
    assert site.sends() == [("without-provenance", "written", 201)]


def test_refused_condition_is_left_out(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A server without conditional create gets plain creates, after a look that found nothing."""
    key = accept()
    ehr.refuses = lambda bundle: 400 if any("ifNoneExist" in entry["request"] for entry in bundle["entry"]) else None

    site.deliver()

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert [step for step, *_ in site.sends()] == ["whole", "without-provenance", "unconditional"]


def test_lost_answer_to_a_plain_create_is_still_one(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """Without conditions an unknown outcome is found again and not repeated."""
    key = accept()
    ehr.refuses = lambda bundle: 400 if any("ifNoneExist" in entry["request"] for entry in bundle["entry"]) else None
    ehr.faults.append(make_fault(status=None, commit=True))

    site.deliver()
    unknown = site.standing(key)[0]
    site.deliver(minutes=15)

    assert (unknown, site.standing(key)[0], ehr.count(), len(ehr.posts)) == ("unknown", "delivered", ONE_SET, 3)


def test_refusal_after_writing_is_noticed(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """An EHR that writes and still answers 422 is looked at before anything else is sent."""
    key = accept()
    ehr.faults.append(make_fault(status=422, commit=True))

    site.deliver()

    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


@pytest.mark.parametrize(
    ("status", "expected", "most"),
    [
        (400, ("rejected", "invalid"), 4),
        (422, ("rejected", "invalid"), 4),
        (403, ("held", "not-allowed"), 2),
        (404, ("held", "not-found"), 2),
        (413, ("held", "refused"), 2),
        (409, ("held", "conflict"), 1),
        (412, ("held", "conflict"), 1),
    ],
)
def test_f15_f18_lasting_refusal_ends_with_a_reason(
    site: "Site", ehr: "FakeEhr", accept: Accept, status: int, expected: tuple[str, str], most: int
) -> None:
    """A refusal that would only be repeated stops after few sends, tells why, and writes nothing (F15, F17, F18)."""
    key = accept()
    ehr.refuses = lambda bundle: status

    site.deliver()
    site.deliver(days=1)

    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (expected, NOTHING, most)
    assert [receipt.key for receipt in site.outbox.held_for("harbor", "maria-lopez")] == [key]


def test_bundle_without_provenance_has_fewer_ways(
    site: "Site", ehr: "FakeEhr", make_submission: Callable[..., Any], bundle_of: Callable[..., dict[str, Any]]
) -> None:
    """A bundle that has no Provenance is not sent again without one."""
    submission = make_submission()
    bundle = bundle_of(submission)
    bundle["entry"].pop()
    site.outbox.accept(submission, orjson.dumps(bundle), grant=site.grant())
    ehr.refuses = lambda _: 422

    site.deliver()

    assert [step for step, *_ in site.sends()] == ["whole", "unconditional"]


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(seconds=1)),
        ("-5", timedelta(seconds=1)),
        ("99999999999999999999", timedelta(minutes=15)),
        ("Thu, 12 Nov 2026 15:47:09 GMT", timedelta(minutes=5)),
        ("Thu, 12 Nov 2026 15:47:09 -0000", timedelta(minutes=5)),
        ("Thu, 12 Nov 2020 15:47:09 GMT", timedelta(seconds=1)),
        ("Thu, 12 Nov 2099 15:47:09 GMT", timedelta(minutes=15)),
        ("Thu, 12 Nov 99999999999 15:47:09 GMT", timedelta(seconds=1)),
        ("soon", timedelta(seconds=1)),
        (None, timedelta(seconds=1)),
    ],
)
@pytest.mark.parametrize(("status", "state"), [(429, "accepted"), (503, "unknown")])
def test_f04_retry_after_sets_the_next_time(
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    make_fault: Callable[..., Any],
    retry_after: str | None,
    wait: timedelta,
    status: int,
    state: str,
) -> None:
    """Whatever form Retry-After has, the next time is between one second and fifteen minutes away (F04)."""
    key = accept()
    ehr.faults.append(make_fault(status=status, headers={"Retry-After": retry_after} if retry_after else {}))

    site.deliver()

    assert (site.standing(key)[0], site.waits(key)) == (state, wait)


def test_f01_outage_is_waited_out_without_giving_up(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """With the EHR down the waits grow up to fifteen minutes, and the form is delivered when it is back (F01)."""
    key = accept()
    ehr.read_faults["Patient/maria-lopez"] = make_fault(status=None)
    waits = []
    for _ in range(14):
        site.courier.deliver_due(site.clock.pass_by(minutes=15))
        waits.append(site.waits(key).total_seconds())
    down = site.standing(key)
    ehr.read_faults.clear()

    site.deliver(minutes=15)

    assert waits[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert set(waits[9:]) == {450}
    assert (down, site.standing(key)) == (("accepted", "ehr.unreachable"), ("delivered", None))
