"""In order per patient, by one worker at a time, through crashes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import event, select

from fhir_alliance.errors import StoreError
from fhir_alliance.store import transaction
from fhir_alliance.tables import submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}
FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def test_one_patients_forms_keep_their_order(
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    make_fault: Callable[..., Any],
    make_submission: Callable[..., Any],
) -> None:
    """A form waits for the one before it of the same patient, and not for other patients' (I7)."""
    ehr.put({**ehr.resources["Patient"]["maria-lopez"], "id": "omar-haddad"})
    first, second = accept(key=FIRST), accept(key=SECOND, encounter=None)
    omar = replace(make_submission().patient, id="omar-haddad")
    third = accept(key="00000000-0000-4000-8000-000000000003", encounter=None, patient=omar)
    ehr.read_faults["Encounter/maria-lopez-v14"] = make_fault(status=500)

    site.deliver()
    waiting = [site.standing(key)[0] for key in (first, second, third)]
    ehr.read_faults.clear()
    site.deliver(minutes=15)

    assert waiting == ["accepted", "accepted", "delivered"]
    written = [post["entry"][0]["resource"]["identifier"]["value"][-1] for post in ehr.posts]
    assert written == ["3", "1", "2"]


def test_held_form_does_not_hold_up_the_next_visit(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """What waits for a person stands aside."""
    first = accept(key=FIRST)
    refused = iter([409])
    ehr.refuses = lambda bundle: next(refused, None)
    second = accept(key=SECOND)

    site.deliver()

    assert [site.standing(key)[0] for key in (first, second)] == ["held", "delivered"]


def test_f22_crash_after_the_send_is_reconciled(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_site: Callable[[str, str], "Site"]
) -> None:
    """A process that died between the send and its outcome: the next one finds what was written (F22)."""
    key = accept()
    site.engine.dispose()
    with pytest.raises(StoreError):
        crash_after_send(site)
    restarted = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")

    before = restarted.courier.deliver_due(site.clock.now + timedelta(minutes=1))
    restarted.courier.deliver_due(site.clock.now + timedelta(minutes=6))

    assert before == 0
    assert (restarted.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


def crash_after_send(site: "Site") -> None:
    """Deliver with a database that fails from the moment the outcome of the send is to be written."""

    @event.listens_for(site.engine, "before_cursor_execute")
    def fail(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE attempts"):
            cursor.execute("SELECT * FROM nowhere")

    try:
        site.deliver()
    finally:
        event.remove(site.engine, "before_cursor_execute", fail)


def test_f25_no_send_without_its_audit_row(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """When the trail cannot be written, nothing is sent (I6, F25)."""
    accept()

    @event.listens_for(site.engine, "before_cursor_execute")
    def refuse(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO audit"):
            cursor.execute("SELECT * FROM nowhere")

    with pytest.raises(StoreError):
        site.deliver()

    assert ehr.posts == []
    assert site.sends() == []


def test_f42_worker_that_lost_its_lease_sends_nothing(
    site: "Site",
    ehr: "FakeEhr",
    accept: Accept,
    make_site: Callable[[str, str], "Site"],
    make_fault: Callable[..., Any],
) -> None:
    """A worker frozen past its lease finds the matter settled by another: it sends and settles nothing (F42)."""
    key = accept()
    other = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")

    def freeze() -> None:
        ehr.read_faults["Patient/maria-lopez"] = make_fault(status=410)
        other.courier.deliver_due(site.clock.now + timedelta(minutes=6))
        ehr.read_faults.clear()

    ehr.on_patient_read = freeze
    site.deliver()

    assert (site.standing(key), ehr.posts) == (("held", "patient-gone"), [])


def test_f42_two_workers_write_once(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_site: Callable[[str, str], "Site"]
) -> None:
    """While one worker has just read the patient, another takes over and delivers: there is one set in the chart."""
    key = accept()
    other = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")
    ehr.on_patient_read = lambda: other.courier.deliver_due(site.clock.now + timedelta(minutes=6))

    site.deliver()

    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


def test_unreadable_item_is_held_and_the_rest_goes_on(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A payload that was tampered with is never sent, and does not stop the others (F43, T74)."""
    poison = accept(key=FIRST)
    good = accept(key=SECOND)
    with transaction(site.engine) as connection:
        swapped = select(submissions.c.payload).where(submissions.c.key == good).scalar_subquery()
        connection.execute(submissions.update().where(submissions.c.key == poison).values(payload=swapped))

    site.deliver()

    assert site.standing(poison) == ("held", "vault.refused")
    assert site.standing(good) == ("delivered", None)
    assert len(ehr.posts) == 1


def test_ehr_that_is_no_longer_registered_is_held(
    site: "Site", ehr: "FakeEhr", make_submission: Callable[..., Any], bundle_of: Callable[..., dict[str, Any]]
) -> None:
    """What belongs to an EHR that left the settings is not sent anywhere."""
    submission = make_submission(ehr="bay")
    site.outbox.accept(submission, orjson.dumps(bundle_of(submission)), grant=site.grant())

    site.deliver()

    assert (site.standing(submission.key), ehr.posts) == (("held", "launch.unknown-issuer"), [])


@pytest.mark.parametrize("days", [400, -400])
def test_f28_a_clock_that_was_wrong_delays_nothing(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any], days: int
) -> None:
    """Tried while the clock was far off, a form is due again as soon as it is right, and goes into the chart once."""
    key = accept()
    ehr.read_faults["Patient/maria-lopez"] = make_fault(status=503)
    site.courier.deliver_due(site.clock.now + timedelta(days=days))
    ehr.read_faults.clear()

    site.deliver(minutes=15)

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
