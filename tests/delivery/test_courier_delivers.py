"""A form that nothing stands in the way of."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select
from structlog.testing import capture_logs

from fhir_alliance.audit import Event, verify
from fhir_alliance.delivery.receipts import State
from fhir_alliance.tables import audit

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}


def test_delivered_is_said_after_read_back(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """One visit: patient and encounter read, one transaction, read back; only then "delivered" (I5)."""
    key = accept()

    tried = site.deliver()

    receipt = site.outbox.receipt(key, ehr="harbor", patient="maria-lopez")
    assert (tried, receipt.state, receipt.delivered_at) == (1, State.DELIVERED, site.clock.now)
    assert (ehr.count(), len(ehr.posts)) == (ONE_SET, 1)
    response = "QuestionnaireResponse/questionnaireresponse-1"
    assert ehr.reads == ["Patient/maria-lopez", "Encounter/maria-lopez-v14", response, "Observation"]


def test_nothing_is_tried_again_once_delivered(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A delivered submission is finished, and keeps its time."""
    key = accept()
    site.deliver()
    first = site.outbox.receipt(key, ehr="harbor", patient="maria-lopez")

    assert site.deliver(days=1) == 0
    assert (site.outbox.receipt(key, ehr="harbor", patient="maria-lopez"), len(ehr.posts)) == (first, 1)


def test_f40_bytes_sent_are_the_bytes_accepted(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """What is sent is what was accepted, not something computed again (F40)."""
    accept()

    site.deliver()

    assert [entry["resource"]["resourceType"] for entry in ehr.posts[0]["entry"]] == [
        "QuestionnaireResponse",
        *["Observation"] * 7,
        "Provenance",
    ]


def test_send_and_outcome_are_audited(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """The trail says accepted, sent, delivered, in one unbroken chain (I6)."""
    accept()

    site.deliver()

    with site.engine.connect() as connection:
        assert connection.scalars(select(audit.c.event)).all() == [
            Event.SUBMISSION_ACCEPTED,
            Event.SUBMISSION_SENT,
            Event.SUBMISSION_DELIVERED,
        ]
        assert verify(connection) == []


def test_form_without_any_score_is_delivered(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A declined form reads back with its reasons for absence, and without an encounter none is asked for."""
    key = accept(given={}, skipped=frozenset(map(str, range(1, 13))), declined=True, encounter=None)

    site.deliver()

    assert site.standing(key) == ("delivered", None)
    assert "Encounter/maria-lopez-v14" not in ehr.reads


def test_log_holds_its_six_keys_only(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A delivery is logged by allow-list: no name, answer, score or token can be in it."""
    key = accept()

    with capture_logs() as logs:
        site.deliver()

    expected = {"code": None, "ehr": "harbor", "state": "delivered", "attempt": 1, "submission": key}
    assert logs == [{"event": "delivery.tried", "log_level": "info", **expected}]
