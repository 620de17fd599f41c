"""A form taken back of which nobody knows what is in the chart: all of it there is marked, and nothing more is sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from fhir_alliance.audit import verify
from fhir_alliance.delivery.releasing import Releasing
from fhir_alliance.tables import audit
from tests.delivery.corrected import FORM, ONE_SET, ONE_STORE, SECOND, Change

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

BOTH = (FORM, SECOND)
TAKEN_BACK = [("replaced", None), ("delivered", None)]


@pytest.fixture
def held(site: "Site", ehr: "FakeEhr", send: Any) -> None:
    """Hold a form of which the EHR has made something else: its panel has another status."""
    ehr.change = lambda resource: resource.update(status="preliminary") if "hasMember" in resource else None
    send()
    site.deliver()
    assert site.standing(FORM) == ("held", "changed-by-ehr")


def struck(ehr: "FakeEhr") -> int:
    """Return how many resources are marked."""
    kinds = ("QuestionnaireResponse", "Observation")
    return sum(each["status"] == "entered-in-error" for kind in kinds for each in ehr.resources[kind].values())


def test_f34_part_in_the_chart_is_marked_at_once(site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change) -> None:
    """Two scores were refused: what is there is marked without a person, and those two are never sent (F11, F34)."""
    ehr.takes = {2: 422, 4: 422}.get
    send()
    site.deliver()
    held = site.standing(FORM)
    ehr.takes = lambda number: None

    withdraw()
    Releasing(site.engine, {}, site.clock).retry(FORM, by="admin")
    site.deliver(hours=1)
    site.deliver(days=1)

    with site.engine.connect() as connection:
        ended = connection.scalars(select(audit.c.outcome).where(audit.c.event == "submission.replaced")).all()
        assert verify(connection) == []
    assert (held[0], [site.standing(key) for key in BOTH]) == ("rejected", TAKEN_BACK)
    assert (ehr.statuses(), ehr.count()) == (["entered-in-error"], {**ONE_SET, "Observation": 5, "Provenance": 2})
    assert (len(ehr.posts), len(ehr.singles), len(ehr.puts), ended) == (1, 1, 6, ["taken-back"])


@ONE_STORE
def test_f07_late_commit_is_marked_too(
    site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change, make_fault: Callable[..., Any]
) -> None:
    """Nothing is there at the first look; what the EHR writes afterwards is found by the next one (F07)."""
    send()
    ehr.faults.append(make_fault(status=None))
    site.deliver()

    withdraw()
    site.deliver()
    first = site.standing(SECOND)
    ehr.commit(ehr.posts[0])
    site.deliver(minutes=1)

    assert (first, struck(ehr)) == (("unknown", "not-read-back"), 8)
    assert [site.standing(key) for key in BOTH] == TAKEN_BACK
    assert len(ehr.posts) == 1


@ONE_STORE
def test_nothing_that_ever_comes_is_taken_back_after_the_quiet_time(
    site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change, make_fault: Callable[..., Any]
) -> None:
    """A send that was lost for good is not repeated; the withdrawal ends when nothing can come any more."""
    send()
    ehr.faults.append(make_fault(status=None))
    site.deliver()

    withdraw()
    site.deliver()
    site.deliver(minutes=15)

    assert [site.standing(key) for key in BOTH] == TAKEN_BACK
    assert (len(ehr.posts), ehr.puts) == (1, [])


@ONE_STORE
def test_what_the_ehr_changed_is_marked_and_keeps_its_text(
    site: "Site", ehr: "FakeEhr", held: None, withdraw: Change
) -> None:
    """A held form with a text of theirs: it says entered in error beside that text, and nobody had to settle it."""
    panel = next(each for each in ehr.resources["Observation"].values() if "hasMember" in each)
    ehr.edit({**panel, "note": [{"text": "Theirs."}]})

    withdraw()
    site.deliver(hours=1)

    after = ehr.resources["Observation"][panel["id"]]
    assert [site.standing(key) for key in BOTH] == TAKEN_BACK
    assert (ehr.statuses(), after["note"]) == (["entered-in-error"], [{"text": "Theirs."}])


@ONE_STORE
def test_what_is_filed_for_somebody_else_waits_for_a_person(
    site: "Site", ehr: "FakeEhr", send: Any, withdraw: Change
) -> None:
    """The EHR rewrote a score's patient: ours are marked, the stranger's chart is left alone and told of (F21)."""
    strange = {"reference": "Patient/somebody-else"}
    ehr.change = lambda resource: resource.update(subject=strange) if "hasMember" in resource else None
    send()
    site.deliver()

    withdraw()
    site.deliver(hours=1)

    assert (site.standing(SECOND), struck(ehr)) == (("held", "subject-rewritten"), 7)


@ONE_STORE
@pytest.mark.parametrize("status", [403, 405, 412])
def test_refused_mark_does_not_keep_the_others_waiting(
    site: "Site", ehr: "FakeEhr", held: None, withdraw: Change, make_fault: Callable[..., Any], status: int
) -> None:
    """One resource that cannot be marked leaves the withdrawal open, and the seven others are marked."""
    ehr.put_faults.append(make_fault(status=status))

    withdraw()
    site.deliver()

    assert site.standing(SECOND) == ("held", "conflict" if status == 412 else "no-updates")
    assert struck(ehr) == 7


@ONE_STORE
def test_other_forms_of_the_patient_do_not_block_it(
    site: "Site", ehr: "FakeEhr", send: Any, accept: Callable[..., str], withdraw: Change, make_fault: Any
) -> None:
    """A form that waits behind the one taken back goes on, and neither waits for the other for ever."""
    send()
    ehr.faults.append(make_fault(status=None, commit=True))
    site.deliver()
    other = accept(key="00000000-0000-0000-0000-00000000000f")

    withdraw()
    site.deliver(minutes=15)

    assert [site.standing(key) for key in (*BOTH, other)] == [*TAKEN_BACK, ("delivered", None)]
    assert struck(ehr) == 8


@ONE_STORE
def test_amendment_still_waits_for_a_person(site: "Site", ehr: "FakeEhr", held: None, amend: Change) -> None:
    """Other answers come after what they change, and of a held form nobody knows what is in the chart."""
    amend()
    tried = site.deliver(hours=1)

    assert (tried, site.standing(SECOND), ehr.puts) == (0, ("accepted", None), [])
