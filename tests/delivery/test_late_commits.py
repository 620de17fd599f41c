"""An EHR writes long after nobody waits for it any more: nothing stands in the chart twice, or in vain (F07)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from fhir_alliance.delivery.ladder import way_into
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung, WriteSettings
from tests.delivery.corrected import FORM, ONE_STORE, SECOND, SEVENS, Change
from tests.delivery.test_corrections_of_rows import ROWS

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

RUNGS = [Rung.OBSERVATIONS, Rung.FLOWSHEET, Rung.NOTE]
KINDS = ("QuestionnaireResponse", "Observation", "DocumentReference")
Lose = Callable[[Rung], None]


@pytest.fixture
def lose(site: "Site", ehr: "FakeEhr", make_submission: Callable[..., Submission]) -> Lose:
    """Accept a form and send it by a rung, so that nobody hears what became of it and nothing is there yet."""

    def make(rung: Rung) -> None:
        submission = replace(make_submission(SEVENS, form="full"), key=FORM)
        write = WriteSettings(rung=rung, keep=timedelta(days=30), rows=ROWS[:1])
        way = way_into(submission, write, now=site.clock.now)
        site.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=site.grant(), way=way)
        ehr.refuses = lambda bundle: 500
        ehr.refuse_single = 500
        site.deliver()
        ehr.refuses = lambda bundle: None
        ehr.refuse_single = 0

    return make


def write_late(ehr: "FakeEhr") -> None:
    """Write what was sent first, as a server does whose conditions were checked long ago."""
    sent = [entry["resource"] for bundle in ehr.posts[:1] for entry in bundle["entry"]] or ehr.singles[:1]
    ehr.commit({"entry": [{"resource": each, "request": {"url": each["resourceType"]}} for each in sent]})


def look(site: "Site", **passed: float) -> int:
    """Let time pass and look again at what is in doubt, then deliver what is due; returns how much was looked at."""
    looked = site.courier.look_again(site.clock.pass_by(**passed))
    site.deliver()
    return looked


def there(ehr: "FakeEhr") -> dict[str, set[str]]:
    """Return the statuses of what is in the chart, by type."""
    return {kind: {each["status"] for each in ehr.resources[kind].values()} for kind in KINDS if kind in ehr.resources}


@ONE_STORE
@pytest.mark.parametrize("rung", RUNGS)
def test_f07_what_comes_after_it_was_taken_back_is_marked(
    site: "Site", ehr: "FakeEhr", lose: Lose, withdraw: Change, rung: Rung
) -> None:
    """Taken back when it could not come any more, and then it comes: within the hour it is marked, by nobody's hand."""
    lose(rung)
    withdraw()
    site.deliver()
    site.deliver(minutes=15)
    before = (site.standing(FORM), site.standing(SECOND), there(ehr))
    sent = len(ehr.posts) + len(ehr.singles)
    write_late(ehr)

    looked = look(site, hours=1)

    created = len(ehr.posts) + sum(each["resourceType"] != "Provenance" for each in ehr.singles)
    assert before == (("replaced", None), ("delivered", None), {})
    assert (looked, created) == (1, sent)
    assert set().union(*there(ehr).values()) == {"entered-in-error"}
    assert (site.standing(FORM), site.standing(SECOND)) == (("replaced", None), ("delivered", None))


@ONE_STORE
@pytest.mark.parametrize("rung", RUNGS)
def test_f07_what_comes_twice_is_told_on_every_rung(site: "Site", ehr: "FakeEhr", lose: Lose, rung: Rung) -> None:
    """Sent again after the quiet time, and then the first comes as well: a person is told, and nobody picks one."""
    lose(rung)
    site.deliver(minutes=15)
    before = site.standing(FORM)
    quiet = look(site, hours=1)
    write_late(ehr)

    look(site, hours=1)

    assert (before, quiet) == (("delivered", None), 1)
    assert (site.standing(FORM), ehr.puts) == (("held", "possible-duplicate"), [])


@ONE_STORE
@pytest.mark.parametrize("rung", RUNGS)
def test_looking_for_what_was_taken_back_ends_after_a_day(
    site: "Site", ehr: "FakeEhr", lose: Lose, withdraw: Change, rung: Rung
) -> None:
    """What has not come until then never comes; nothing is sent by looking."""
    lose(rung)
    withdraw()
    site.deliver()
    site.deliver(minutes=15)

    looked = [look(site, hours=6) for _ in range(6)]

    assert (sum(looked) in (3, 4), looked[-1], there(ehr), ehr.puts) == (True, 0, {}, [])
    assert site.standing(SECOND) == ("delivered", None)


@ONE_STORE
def test_what_was_taken_back_before_it_was_sent_is_not_looked_for(site: "Site", send: Any, withdraw: Change) -> None:
    """Of what has never left us nothing can come."""
    send()
    withdraw()

    assert look(site, hours=1) == 0
