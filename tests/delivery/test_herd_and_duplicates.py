"""After an outage: nobody is hit by a herd, one bad form stops no other, and what came twice is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
PATIENTS = 6


@pytest.fixture
def twice(site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]) -> str:
    """Deliver a form whose first send was lost on the way, so that it was sent again; returns its key."""
    key = accept()
    ehr.faults.append(make_fault(status=None))
    site.deliver()
    site.deliver(minutes=1)
    assert (site.standing(key), len(ehr.posts)) == (("delivered", None), 2)
    return key


def write_late(ehr: "FakeEhr") -> None:
    """Write what was sent first, as a server does whose conditions were checked long ago."""
    entries = [{**each, "request": {"url": each["request"]["url"]}} for each in ehr.posts[0]["entry"]]
    ehr.commit({"entry": entries})


def test_f07_a_write_that_lands_later_goes_to_a_person(site: "Site", ehr: "FakeEhr", twice: str) -> None:
    """The first send is written hours after the second: within the hour a person is told, and nobody picks one."""
    before = site.courier.look_again(site.clock.pass_by(hours=1))
    write_late(ehr)

    early = site.courier.look_again(site.clock.pass_by(minutes=30))
    looked = site.courier.look_again(site.clock.pass_by(hours=1))

    assert (before, early, looked) == (1, 0, 1)
    assert site.standing(twice) == ("held", "possible-duplicate")
    assert len(ehr.posts) == 2


def test_f07_the_looking_ends_after_a_day(site: "Site", twice: str) -> None:
    """A day later nothing can come any more, and a form that was sent once is never looked at again."""
    looked = [site.courier.look_again(site.clock.pass_by(hours=6)) for _ in range(6)]

    assert sum(looked) in (3, 4)
    assert looked[-1] == 0
    assert site.standing(twice) == ("delivered", None)


def test_f07_an_ehr_that_cannot_say_is_asked_again(
    site: "Site", ehr: "FakeEhr", twice: str, make_fault: Callable[..., Any]
) -> None:
    """While the search fails nothing changes; the next one tells."""
    write_late(ehr)
    ehr.read_faults["QuestionnaireResponse"] = make_fault(status=500)
    site.courier.look_again(site.clock.pass_by(hours=1))
    unsaid = site.standing(twice)
    ehr.read_faults.clear()

    site.courier.look_again(site.clock.pass_by(hours=1))

    assert (unsaid, site.standing(twice)) == (("delivered", None), ("held", "possible-duplicate"))


def test_a_form_that_was_sent_once_is_not_looked_at(site: "Site", accept: Accept) -> None:
    """Where no send is in doubt, the EHR is left alone."""
    accept()
    site.deliver()

    assert site.courier.look_again(site.clock.pass_by(hours=1)) == 0


def test_f43_a_herd_is_kept_back_and_poison_stops_nobody(
    site: "Site",
    ehr: "FakeEhr",
    make_site: Callable[..., "Site"],
    accept: Accept,
    make_submission: Callable[..., Any],
    long: bool,
) -> None:
    """However many workers wait for an EHR, two at most are in it at a time, and one form of all is held."""
    for number in range(PATIENTS):
        ehr.put({**ehr.resources["Patient"]["maria-lopez"], "id": f"p{number}"})
    keys = [
        accept(
            key=str(UUID(int=number + 1)),
            encounter=None,
            patient=replace(make_submission().patient, id=f"p{number % PATIENTS}"),
        )
        for number in range(500 if long else 24)
    ]
    with transaction(site.engine) as connection:
        connection.execute(submissions.update().where(submissions.c.key == keys[3]).values(payload=b"k1:poison"))
    workers = 1 if site.engine.dialect.name == "sqlite" else 4  # a file has one process that delivers
    sites = [site, *(make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token") for _ in range(workers - 1))]

    for each in sites:
        each.courier.start()
    ehr.until(lambda: all(site.standing(key)[0] in ("delivered", "held") for key in keys))
    for each in sites:
        each.courier.stop()

    standing = [site.standing(key)[0] for key in keys]
    assert (standing.count("delivered"), standing.count("held")) == (len(keys) - 1, 1)
    assert ehr.most <= min(workers, 2)
    assert ehr.count()["QuestionnaireResponse"] == len(keys) - 1
