"""The rung of each submission: decided when it is accepted, and never changed."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from fhir_alliance.delivery.ladder import Way, way_into
from fhir_alliance.delivery.receipts import State
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung, WriteSettings
from fhir_alliance.tables import submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Make = Callable[..., Submission]
HOLD = WriteSettings(rung=Rung.HOLD, keep=timedelta(days=30))


@pytest.fixture
def accept_by(make_submission: Make, site: "Site") -> Callable[..., str]:
    """Accept one form by a way and return its key."""

    def make(write: WriteSettings, **fields: Any) -> str:
        submission = make_submission(**fields)
        way = way_into(submission, write, now=site.clock.now)
        bundle = orjson.dumps(write_bundle(submission))
        return site.outbox.accept(submission, bundle, grant=site.grant(), way=way).key

    return make


def test_rung_is_recorded_with_each_submission(site: "Site", accept_by: Callable[..., str]) -> None:
    """What a site changes later holds for what is accepted later; a repeat changes nothing (E05)."""
    accept_by(HOLD)
    accept_by(WriteSettings(rung=Rung.OBSERVATIONS))
    accept_by(WriteSettings(), key="7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a11")

    with site.engine.connect() as connection:
        rows = connection.execute(select(submissions.c.rung, submissions.c.kept_until)).all()
    assert [tuple(row) for row in rows] == [("hold", site.clock.now + timedelta(days=30)), ("observations", None)]


def test_what_no_chart_takes_is_held_at_once(site: "Site", ehr: "FakeEhr", accept_by: Callable[..., str]) -> None:
    """On the last rung nothing is sent, and the receipt says that it is not in the chart."""
    key = accept_by(HOLD)

    tried = site.deliver(days=1)

    receipt = site.outbox.receipt(key, ehr="harbor", patient="maria-lopez")
    assert (tried, receipt.state, receipt.reason) == (0, State.HELD, "not-in-chart")
    assert (ehr.posts, ehr.reads) == ([], [])


def test_a_sign_in_does_not_lift_a_rung(site: "Site", accept_by: Callable[..., str]) -> None:
    """A new permission takes over what waits for a sign-in, and nothing that is held by its rung."""
    accept_by(HOLD)

    assert site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=site.grant()) == 0


def test_way_without_a_rung_is_the_whole() -> None:
    """Unless said otherwise everything is written, and nothing is kept."""
    assert (Way().rung, Way().stays, Way().kept_until) == (Rung.OBSERVATIONS, None, None)
