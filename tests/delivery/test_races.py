"""An update that comes too late: what is there now is looked at, so that it ends, and nobody's text is lost (F17)."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from fhir_alliance.delivery.findings import Found
from fhir_alliance.delivery.ladder import way_into
from fhir_alliance.delivery.releasing import Releasing
from fhir_alliance.delivery.updating import RACES
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung, WriteSettings
from tests.delivery.corrected import FORM, ONE_STORE, SECOND, SEVENS, Change

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

pytestmark = ONE_STORE
Correct = Callable[[str], dict[str, Any]]
WAYS = ["amended", "taken-back", "taken-back-unsettled", "note-taken-back"]
MARKED = "entered-in-error"


@pytest.fixture
def corrected(
    site: "Site", ehr: "FakeEhr", send: Any, make_submission: Callable[..., Submission], amend: Change, withdraw: Change
) -> Correct:
    """Bring a form into the chart and ask for its correction in one way; returns what of it is updated first."""

    def make(way: str) -> dict[str, Any]:
        if way == "note-taken-back":
            note(site, make_submission(SEVENS, key=FORM))
        else:
            send()
        ehr.with_location = way != "taken-back-unsettled"
        ehr.honours_identifier = ehr.with_location
        ehr.hides = set() if ehr.with_location else {"Observation"}
        site.deliver()
        ehr.hides = set()
        assert site.standing(FORM)[0] == ("unknown" if way == "taken-back-unsettled" else "delivered")
        amend() if way == "amended" else withdraw()
        return ehr.only("DocumentReference" if way.startswith("note") else "QuestionnaireResponse")

    return make


def note(site: "Site", submission: Submission) -> None:
    """Accept a form whose scores go into a note."""
    way = way_into(submission, WriteSettings(rung=Rung.NOTE, keep=timedelta(days=30)), now=site.clock.now)
    site.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=site.grant(), way=way)


def slip_in(ehr: "FakeEhr", first: dict[str, Any], **changed: Any) -> None:
    """Let somebody write to a resource just before every update of it."""

    def write(resource: dict[str, Any]) -> None:
        if resource["id"] == first["id"]:
            ehr.edit({**ehr.resources[first["resourceType"]][first["id"]], **changed})

    ehr.before_put = write


@pytest.mark.parametrize("way", WAYS)
def test_f17_edit_in_between_is_kept_and_told(site: "Site", ehr: "FakeEhr", corrected: Correct, way: str) -> None:
    """A change that slips in before the update stands as it is, and is never tried again without a person (F17)."""
    first = corrected(way)
    slip_in(ehr, first, language="xx")

    site.deliver(minutes=1)
    ehr.before_put = lambda resource: None
    tried = site.deliver(hours=1)

    now = ehr.resources[first["resourceType"]][first["id"]]
    assert (site.standing(SECOND), tried) == (("held", "changed-in-chart"), 0)
    assert (now["status"], now["language"]) == (first["status"], "xx")


@pytest.mark.parametrize("way", ["taken-back-unsettled"])
def test_edit_in_between_is_marked_at_a_persons_word(
    site: "Site", ehr: "FakeEhr", corrected: Correct, way: str
) -> None:
    """Whoever has looked at both lets it go on: what they wrote is kept, and says that it is in error."""
    first = corrected(way)
    slip_in(ehr, first, language="xx")
    site.deliver(minutes=1)
    ehr.before_put = lambda resource: None

    Releasing(site.engine, {}, site.clock).release(SECOND, by="admin", said=Found.CHART_CORRECTED)
    site.deliver(minutes=1)

    now = ehr.only("QuestionnaireResponse")
    assert (now["status"], now["language"]) == (MARKED, "xx")


@pytest.mark.parametrize("way", WAYS)
def test_own_update_that_came_before_its_answer_settles(
    site: "Site", ehr: "FakeEhr", corrected: Correct, make_fault: Callable[..., Any], way: str
) -> None:
    """Something between us has repeated the update, so that it conflicts with itself: it is made, and that is all."""
    corrected(way)
    ehr.put_faults.append(make_fault(status=412, commit=True))

    site.deliver(minutes=1)

    assert site.standing(SECOND) == ("delivered", None)


@pytest.mark.parametrize("way", WAYS)
def test_races_without_end_are_told(site: "Site", ehr: "FakeEhr", corrected: Correct, way: str) -> None:
    """An EHR that always counts one version further is tried a few times; then a person is told, and it rests."""
    first = corrected(way)
    slip_in(ehr, first)

    states = []
    for _ in range(RACES + 2):
        site.deliver(minutes=15)
        states.append(site.standing(SECOND))

    assert states == [("unknown", "conflict")] * (RACES - 1) + [("held", "conflict")] * 3
    assert ehr.puts.count(first["resourceType"]) == RACES
