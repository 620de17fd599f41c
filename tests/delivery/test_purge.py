"""What is in the chart for thirty days is deleted here, and only after it was read there once more (P10)."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.store import transaction
from fhir_alliance.tables import audit, drafts, submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]


@pytest.fixture
def key(site: "Site", ehr: "FakeEhr", accept: Accept) -> str:
    """Deliver a form whose permission can be renewed a month later; returns its key."""
    ehr.refreshes = {
        "r1": {"access_token": "token-2", "refresh_token": "r2"},
        "r2": {"access_token": "token-3", "refresh_token": "r3"},
    }
    key = accept(site.grant(refresh="r1"))
    site.deliver()
    assert site.standing(key) == ("delivered", None)
    return key


def kept(site: "Site") -> list[tuple[bool, bool]]:
    """Return of each submission whether answers and the patient's facts are still here, oldest first."""
    with site.engine.connect() as connection:
        rows = connection.execute(select(submissions).order_by(submissions.c.sequence)).all()
    return [(bool(row.payload), bool(row.shown)) for row in rows]


def purge(site: "Site", **passed: float) -> int:
    """Let time pass, then delete what is due; returns how much that was."""
    return site.courier.purge_due(site.clock.pass_by(**passed))


def test_purged_after_it_was_read(
    site: "Site", ehr: "FakeEhr", key: str, accept: Accept, make_submission: Callable[..., Any]
) -> None:
    """After thirty days, and no earlier, the chart is asked once more; receipt, digest and audit trail stay."""
    asked = len(ehr.reads)
    too_early = purge(site, days=29, hours=23)
    asked_early = len(ehr.reads) - asked

    done = purge(site, hours=2)

    assert (too_early, asked_early, done) == (0, 0, 1)
    assert ehr.reads[asked:] == ["QuestionnaireResponse/questionnaireresponse-1", "Observation"]
    assert kept(site) == [(False, False)]
    assert site.outbox.response(key, ehr="harbor", patient="maria-lopez") is None
    assert accept(site.grant()) == key
    assert purge(site, hours=2) == 0
    with site.engine.connect() as connection:
        events = connection.scalars(select(audit.c.event)).all()
    assert events.count("submission.purged") == 1


def set_field(kind: str, **values: Any) -> Callable[["FakeEhr"], None]:
    """Return a change of everything of a kind in the chart."""

    def change(ehr: "FakeEhr") -> None:
        for resource in ehr.resources[kind].values():
            resource.update(values)

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda ehr: ehr.resources["QuestionnaireResponse"].clear(),
        lambda ehr: ehr.resources["Observation"].clear(),
        set_field("QuestionnaireResponse", status="entered-in-error"),
        set_field("QuestionnaireResponse", subject={"reference": "Patient/thomas"}),
    ],
)
def test_what_does_not_read_back_stays(
    site: "Site", ehr: "FakeEhr", key: str, change: Callable[["FakeEhr"], None]
) -> None:
    """When anything of it is not in the chart as it was sent, what is kept here is the last copy."""
    change(ehr)

    done = purge(site, days=31)

    assert (done, kept(site)) == (0, [(True, True)])


def test_looked_at_again_a_day_later(site: "Site", ehr: "FakeEhr", key: str) -> None:
    """What could not be read is looked at once a day, and deleted when it is there again."""
    ehr.hides.add("Observation")
    first = purge(site, days=31)
    asked = len(ehr.reads)
    same_day = purge(site, hours=20)
    asked_on_the_same_day = len(ehr.reads) - asked
    ehr.hides.clear()

    assert (first, same_day, asked_on_the_same_day) == (0, 0, 0)
    assert purge(site, hours=5) == 1


def test_without_permission_it_stays(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Without anybody's permission to read it nothing is deleted, and nothing is asked."""
    accept()
    site.deliver()
    asked = len(ehr.reads)

    done = purge(site, days=31)

    assert (done, kept(site), len(ehr.reads)) == (0, [(True, True)], asked)


@pytest.mark.parametrize("values", [{"fhir_base": "https://old.example.invalid/fhir"}, {"response_id": None}])
def test_of_another_ehr_it_stays(site: "Site", ehr: "FakeEhr", key: str, values: dict[str, Any]) -> None:
    """What was delivered to another address by the same name, or under an id we do not know, is not there (F44)."""
    with transaction(site.engine) as connection:
        connection.execute(update(submissions).values(**values))

    assert (purge(site, days=31), kept(site)) == (0, [(True, True)])


def test_what_waits_stays(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """What was never delivered is kept for as long as it takes."""
    ehr.tokens = set()
    accept()
    site.deliver()

    assert (purge(site, days=400), kept(site)) == (0, [(True, True)])


def test_one_worker_looks(site: "Site", key: str) -> None:
    """Several workers do not look at the same submission on the same day."""
    keeping = Keeping(site.engine, site.vault, site.clock)
    later = site.clock.pass_by(days=31)

    found = [keeping.take_confirmed(later) for _ in range(3)]

    assert [item and item.key for item in found] == [key, None, None]
    item = found[0]
    assert item
    assert [keeping.forget(item, later) for _ in range(2)] == [1, 0]


def test_drafts_are_forgotten_after_a_day(site: "Site") -> None:
    """A draft goes a day after its form is not asked any more, or was last touched where nobody said until when."""
    now = site.clock.now
    draft = {"ehr": "harbor", "patient": "p", "encounter": "", "held_by": "", "version": 0, "answers": b"x"}
    times = {"old": (0, None), "touched": (2, None), "over": (0, -1), "open": (0, 2)}
    with transaction(site.engine) as connection:
        for key, (touched, expires) in times.items():
            at = now + timedelta(hours=touched)
            until = now + timedelta(hours=expires) if expires is not None else None
            more = {"started_at": now, "updated_at": at, "expires_at": until, "audience_digest": ""}
            connection.execute(insert(drafts).values(key=key, form=key, **draft, **more))

    done = purge(site, hours=24)

    with site.engine.connect() as connection:
        assert (done, set(connection.scalars(select(drafts.c.key)))) == (0, {"touched", "open"})
