"""What an EHR takes of a transaction stays as it is; what it does not take is sent once more, alone."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from fhir_alliance.delivery.releasing import Releasing

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}
RESPONSE, PANEL, PROVENANCE = 0, 7, 8
LONG = {"minutes": 15}


@pytest.fixture
def release(site: "Site", ehr: "FakeEhr") -> Callable[[str], None]:
    """Let a form go on as an administrator does after the EHR was mended."""
    releases = Releasing(site.engine, {}, site.clock)

    def again(key: str) -> None:
        ehr.takes = lambda number: None
        releases.retry(key, by="admin")

    return again


def mixed(ehr: "FakeEhr", statuses: dict[int, int | None]) -> None:
    """Let the EHR answer some entries of each transaction with a status, or none, and not write them."""
    ehr.takes = statuses.get


def written(ehr: "FakeEhr", kind: str = "Observation") -> list[bytes]:
    """Return what there is of a type, to compare."""
    return [orjson.dumps(each) for each in ehr.resources[kind].values()]


def targets(ehr: "FakeEhr") -> set[str]:
    """Return what the scores say that they are derived from."""
    return {
        reference["reference"] for each in ehr.resources["Observation"].values() for reference in each["derivedFrom"]
    }


@pytest.mark.parametrize(
    ("status", "held"), [(422, ("rejected", "invalid")), (400, ("rejected", "invalid")), (403, ("held", "not-allowed"))]
)
def test_f11_only_the_refused_part_repeats(
    site: "Site", ehr: "FakeEhr", accept: Accept, release: Callable[[str], None], status: int, held: tuple[str, str]
) -> None:
    """Of a 201 and 4xx mix the refused scores wait for a person, and then they alone are sent (F11)."""
    key = accept()
    mixed(ehr, {2: status, 4: status})
    site.deliver()
    site.deliver(days=1)
    first, before = site.standing(key), written(ehr)

    release(key)
    site.deliver()

    assert (first, site.standing(key)) == (held, ("delivered", None))
    assert (ehr.count(), len(ehr.posts), len(before)) == (ONE_SET, 1, 5)
    assert set(before) < set(written(ehr))
    assert [each["identifier"] for each in ehr.singles] == [entry_of(ehr, 2), entry_of(ehr, 4)]
    assert site.sends()[1:] == [("part-3", "written", 201), ("part-5", "written", 201)]


def entry_of(ehr: "FakeEhr", number: int) -> Any:
    """Return the identifier of an entry of the transaction that came."""
    return ehr.posts[0]["entry"][number]["resource"]["identifier"]


def test_f10_scores_that_failed_are_added_to_the_saved_response(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """The response is in the chart, every score failed: they are added once, derived from it, and it is untouched."""
    key = accept()
    mixed(ehr, dict.fromkeys(range(1, 9), 500))
    site.deliver()
    saved = written(ehr, "QuestionnaireResponse")
    mixed(ehr, {})

    site.deliver(minutes=1)
    waiting = site.standing(key), ehr.count()["Observation"]
    site.deliver(**LONG)

    assert waiting == (("unknown", "not-read-back"), 0)
    assert (site.standing(key), ehr.count()) == (("delivered", None), {**ONE_SET, "Provenance": 0})
    assert (written(ehr, "QuestionnaireResponse"), targets(ehr)) == (
        saved,
        {"QuestionnaireResponse/questionnaireresponse-1"},
    )
    members = next(each["hasMember"] for each in ehr.resources["Observation"].values() if "hasMember" in each)
    assert {each["reference"] for each in members} == {f"Observation/observation-{number}" for number in range(1, 7)}
    assert (len(ehr.posts), len(ehr.singles)) == (1, 7)


def test_f10_a_crash_between_two_scores_is_resumed(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Each score is a step of its own: after an answer was lost the rest follows, and none comes twice."""
    key = accept()
    mixed(ehr, {3: 500, 5: 500})
    site.deliver()
    site.deliver(minutes=1)
    mixed(ehr, {})
    ehr.lose_single = 1

    site.deliver(**LONG)
    lost = site.standing(key)
    site.deliver(**LONG)
    site.deliver(**LONG)

    assert (lost, site.standing(key)) == (("unknown", "ehr.unreachable"), ("delivered", None))
    assert (ehr.count(), len(ehr.singles)) == (ONE_SET, 2)


def test_f11_a_transaction_applied_in_part_without_an_answer(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """Nobody told what was applied: after two looks, long apart, just what is missing is sent."""
    key = accept()
    mixed(ehr, {1: 500, PANEL: 500})
    ehr.faults.append(make_fault(status=None, commit=True))

    for _ in range(3):
        site.deliver(**LONG)

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert [step for step, *_ in site.sends()] == ["whole", "part-2", "part-8"]


def test_f11_refused_as_a_whole_and_applied_in_part(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """A 422 from an EHR that has kept some of it says nothing about the rest, which follows after two looks."""
    key = accept()
    mixed(ehr, {6: 422})
    ehr.faults.append(make_fault(status=422, commit=True))

    for _ in range(3):
        site.deliver(**LONG)

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert [step for step, *_ in site.sends()] == ["whole", "part-7"]


def test_f11_one_empty_search_is_no_proof(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Scores of unknown fate that an index shows late are not sent again (F08)."""
    key = accept()
    mixed(ehr, {1: 500})
    site.deliver()
    ehr.commit({"entry": [ehr.posts[0]["entry"][1]]})
    ehr.hides = {"Observation"}

    site.deliver(**LONG)
    site.deliver(seconds=1)
    ehr.hides = set()
    site.deliver(**LONG)

    assert (site.standing(key), ehr.count(), ehr.singles) == (("delivered", None), ONE_SET, [])


def test_f11_a_part_that_was_taken_is_waited_for(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """The EHR said yes to a score that does not show: however long that lasts, it is not sent again."""
    key = accept()
    ehr.takes = {PROVENANCE: 403, 2: 201}.get
    site.deliver()
    for _ in range(4):
        site.deliver(**LONG)

    assert (site.standing(key), ehr.singles) == (("unknown", "not-read-back"), [])


def test_f11_a_refused_provenance_alone_blocks_nothing(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Everything else was taken: delivered in one send."""
    key = accept()
    mixed(ehr, {PROVENANCE: 403})

    site.deliver()

    assert (site.standing(key), len(ehr.posts), ehr.singles) == (("delivered", None), 1, [])


def test_f11_a_refused_response_is_sent_alone(
    site: "Site", ehr: "FakeEhr", accept: Accept, release: Callable[[str], None]
) -> None:
    """The scores were taken, the response was not: it alone follows after the release, and no score comes twice."""
    key = accept()
    mixed(ehr, {RESPONSE: 422})
    site.deliver()
    before = site.standing(key)

    release(key)
    site.deliver()

    assert (before, site.standing(key)) == (("rejected", "invalid"), ("delivered", None))
    assert (ehr.count(), len(ehr.posts), len(ehr.singles)) == (ONE_SET, 1, 1)


def test_f11_refused_again_it_waits_again(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A part that is refused once more is held once more, and nothing else has moved."""
    key = accept()
    mixed(ehr, {2: 422})
    site.deliver()
    Releasing(site.engine, {}, site.clock).retry(key, by="admin")
    ehr.refuse_single = 422

    site.deliver()
    site.deliver(days=1)

    assert site.standing(key) == ("rejected", "invalid")
    assert (ehr.count()["Observation"], len(ehr.posts), len(ehr.singles)) == (6, 1, 1)


def test_f11_a_batch_answer_is_read_by_entry(
    site: "Site", ehr: "FakeEhr", accept: Accept, release: Callable[[str], None]
) -> None:
    """An EHR that treats a transaction as a batch says so; each entry's own status counts all the same."""
    key = accept()
    ehr.answers_as = "batch-response"
    mixed(ehr, {7: 422})
    site.deliver()
    before = site.standing(key)

    release(key)
    site.deliver()

    assert (before, site.standing(key), ehr.count()) == (("rejected", "invalid"), ("delivered", None), ONE_SET)


def test_f11_a_status_that_is_missing_leaves_that_part_open(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """An entry without a status may have been written: it is looked for before it is sent."""
    key = accept()
    mixed(ehr, {2: 0})
    site.deliver()
    mixed(ehr, {})

    for _ in range(2):
        site.deliver(**LONG)

    assert (site.standing(key), ehr.count(), len(ehr.singles)) == (("delivered", None), ONE_SET, 1)


def test_f11_dropped_identifiers_do_not_hide_what_was_taken(
    site: "Site", ehr: "FakeEhr", accept: Accept, release: Callable[[str], None]
) -> None:
    """Where the EHR drops identifiers, a score is known by its code and moment, and comes no second time (F20)."""
    key = accept()
    mixed(ehr, {2: 422})
    ehr.change = lambda resource: resource["resourceType"] == "Observation" and resource.pop("identifier")
    site.deliver()

    release(key)
    site.deliver()

    assert (ehr.count(), len(ehr.singles), site.standing(key)[0]) == (ONE_SET, 1, "unknown")
