"""What is accepted is durable, once, and never somebody else's."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
import pytest
from sqlalchemy import event, func, select, text

from fhir_alliance.audit import Event, verify
from fhir_alliance.delivery.receipts import Kind, Receipt, State, UnknownReceipt
from fhir_alliance.delivery.released import count_released
from fhir_alliance.errors import InvalidResource, StoreError, SubmissionConflict
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung
from fhir_alliance.store import transaction
from fhir_alliance.tables import audit, submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Make = Callable[..., Submission]


def body(submission: Submission) -> bytes:
    """Return the write-back bundle of a submission."""
    return orjson.dumps(write_bundle(submission))


def test_receipt_says_received_and_nothing_more(site: "Site", make_submission: Make) -> None:
    """A fresh receipt is accepted and undelivered, and can be fetched again by its key."""
    submission = make_submission()

    receipt = site.outbox.accept(submission, body(submission), grant=site.grant())

    assert receipt == Receipt(
        key=submission.key,
        form_key=submission.key,
        version=1,
        kind=Kind.ORIGINAL,
        rater="patient",
        launch="launch-1",
        form=submission.form.canonical,
        encounter=submission.encounter,
        therapist="Practitioner/ada-okafor",
        declined=False,
        state=State.ACCEPTED,
        accepted_at=site.clock.now,
        delivered_at=None,
        reason=None,
        rung=Rung.OBSERVATIONS,
    )
    assert site.outbox.receipt(submission.key, ehr="harbor", patient="maria-lopez") == receipt


def test_receipt_of_another_patient_is_not_told(site: "Site", make_submission: Make) -> None:
    """Knowing a key is not enough: only a launch for the same patient sees the receipt (T45)."""
    submission = make_submission()
    site.outbox.accept(submission, body(submission), grant=site.grant())

    with pytest.raises(UnknownReceipt):
        site.outbox.receipt(submission.key, ehr="harbor", patient="omar-haddad")


def test_response_reads_back_as_accepted(site: "Site", make_submission: Make) -> None:
    """The patient can be shown what they sent, and nobody else's launch can (T45, P6)."""
    submission = make_submission()
    site.outbox.accept(submission, body(submission), grant=site.grant())

    response = site.outbox.response(submission.key, ehr="harbor", patient="maria-lopez")

    assert response == orjson.loads(body(submission))["entry"][0]["resource"]
    with pytest.raises(UnknownReceipt):
        site.outbox.response(submission.key, ehr="harbor", patient="omar-haddad")


def test_sent_lists_the_patients_own_newest_first(site: "Site", make_submission: Make) -> None:
    """What was sent lately is listed newest first, without another patient's and without what is older."""
    other = make_submission(patient=replace(make_submission().patient, id="omar-haddad"), key=str(UUID(int=3)))
    keys = [str(UUID(int=number)) for number in (1, 2)]
    for submission in (make_submission(key=keys[0]), make_submission(key=keys[1]), other):
        site.outbox.accept(submission, body(submission), grant=site.grant())

    sent = site.outbox.sent(ehr="harbor", patient="maria-lopez", since=site.clock.now)
    later = site.outbox.sent(ehr="harbor", patient="maria-lopez", since=site.clock.now + timedelta(seconds=1))

    assert [receipt.key for receipt in sent] == keys[::-1]
    assert later == ()


def test_accepting_wakes_the_courier(site: "Site", make_submission: Make) -> None:
    """The signal that the courier waits on is set by an accepted form."""
    submission = make_submission()
    before = site.outbox.accepted.is_set()

    site.outbox.accept(submission, body(submission), grant=site.grant())

    assert (before, site.outbox.accepted.is_set()) == (False, True)


def test_repeat_gets_the_first_receipt(site: "Site", make_submission: Make) -> None:
    """A double click, or a browser that sends again later, changes nothing (F31)."""
    submission, grant = make_submission(), site.grant()
    first = site.outbox.accept(submission, body(submission), grant=grant)
    site.clock.pass_by(hours=1)

    second = site.outbox.accept(submission, body(submission), grant=grant)

    assert second == first


@pytest.mark.parametrize("change", [{"given": {"1": "0"}}, {"ehr": "bay"}, {"encounter": None}])
def test_f31_other_answers_under_the_same_key_are_refused(
    site: "Site", make_submission: Make, change: dict[str, object]
) -> None:
    """The first answers are kept when the key comes again with other ones."""
    submission, other, grant = make_submission(), make_submission(**change), site.grant()
    first = site.outbox.accept(submission, body(submission), grant=grant)

    with pytest.raises(SubmissionConflict):
        site.outbox.accept(other, body(other), grant=grant)

    assert site.outbox.receipt(submission.key, ehr="harbor", patient="maria-lopez") == first


def test_twenty_at_once_are_one(site: "Site", make_submission: Make) -> None:
    """Twenty parallel posts of one form make one row, one audit row, and twenty equal receipts."""
    submission, grant = make_submission(), site.grant()
    bundle, receipts = body(submission), []
    threads = [
        threading.Thread(target=lambda: receipts.append(site.outbox.accept(submission, bundle, grant=grant)))
        for _ in range(20)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with site.engine.connect() as connection:
        rows = connection.scalar(select(func.count()).select_from(submissions))
        audited = connection.scalars(select(audit.c.event)).all()
    assert (len(receipts), len(set(receipts)), rows, audited) == (20, 1, 1, [Event.SUBMISSION_ACCEPTED])


def test_f31_several_processes_at_once_are_one(
    site: "Site", ehr: "FakeEhr", make_site: Callable[..., "Site"], make_submission: Make
) -> None:
    """Forms that four processes accept at the same moment have one receipt each, and nobody is refused (F31)."""
    processes = [site, *(make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token") for _ in range(3))]
    forms = [make_submission(key=str(UUID(int=number))) for number in range(1, 11)]
    grant, start = site.grant(), threading.Barrier(len(processes))

    def accept(process: "Site") -> list[Receipt]:
        receipts = []
        for form in forms:
            start.wait(20)
            receipts.append(process.outbox.accept(form, body(form), grant=grant))
        return receipts

    with ThreadPoolExecutor(len(processes)) as threads:
        first, *others = threads.map(accept, processes)

    assert others == [first] * 3
    assert [receipt.key for receipt in first] == [form.key for form in forms]
    with site.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(submissions)) == len(forms)


def test_bundle_about_another_patient_is_refused(site: "Site", make_submission: Make) -> None:
    """A bundle whose subject is not the patient shown is never stored (I3)."""
    submission = make_submission()
    other = make_submission(patient=replace(submission.patient, id="omar-haddad"))

    with pytest.raises(InvalidResource):
        site.outbox.accept(submission, body(other), grant=site.grant())

    with pytest.raises(UnknownReceipt):
        site.outbox.receipt(submission.key, ehr="harbor", patient="maria-lopez")


def test_unknown_grant_saves_nothing(site: "Site", make_submission: Make) -> None:
    """Without a permission to deliver with, the form is not accepted."""
    submission = make_submission()

    with pytest.raises(StoreError):
        site.outbox.accept(submission, body(submission), grant="no-such-grant")

    with pytest.raises(UnknownReceipt):
        site.outbox.receipt(submission.key, ehr="harbor", patient="maria-lopez")


@pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)
def test_f24_full_disk_gives_no_receipt(site: "Site", make_submission: Make) -> None:
    """When the disk is full nobody is thanked: StoreError, and neither the row nor its audit row stay (F24)."""
    submission, grant = make_submission(), site.grant()
    site.engine.dispose()
    event.listen(site.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1"))

    with pytest.raises(StoreError) as caught:
        site.outbox.accept(submission, body(submission), grant=grant)

    assert "still here" in caught.value.sentence
    with site.engine.connect() as connection:
        assert connection.execute(select(submissions)).all() == []
        assert connection.execute(select(audit)).all() == []


@pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)
def test_nothing_readable_is_on_the_disk(
    site: "Site", make_submission: Make, tmp_path: Path, accept: Callable[..., str]
) -> None:
    """Neither name, identifier, token nor answers can be read from the database files (T74)."""
    submission = make_submission()
    patient = replace(submission.patient, name="CANARY-NAME", identifiers=(("urn:x", "CANARY-MRN"),))

    accept(site.grant(refresh="CANARY-REFRESH"), patient=patient)

    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    found = [word for word in (b"CANARY", b"token-1", b"valueCoding", b"Lopez") if word in content]
    assert found == []


def test_held_list_is_of_this_patient_only(site: "Site", accept: Callable[..., str], make_submission: Make) -> None:
    """What waits for a person is listed per EHR and patient, and what is on its way is not."""
    held, moving = accept(key="00000000-0000-4000-8000-000000000001"), accept()
    with transaction(site.engine) as connection:
        connection.execute(
            submissions.update().where(submissions.c.key == held).values(state="held", reason="conflict")
        )

    found = {
        (ehr, patient): [receipt.key for receipt in site.outbox.held_for(ehr, patient)]
        for ehr, patient in [("harbor", "maria-lopez"), ("harbor", "omar-haddad"), ("bay", "maria-lopez")]
    }

    assert moving not in found[("harbor", "maria-lopez")]
    assert found == {("harbor", "maria-lopez"): [held], ("harbor", "omar-haddad"): [], ("bay", "maria-lopez"): []}


def hold(site: "Site", key: str, reason: str) -> None:
    """Put a submission aside for a reason."""
    with transaction(site.engine) as connection:
        row = submissions.c.key == key
        connection.execute(submissions.update().where(row).values(state=State.HELD, reason=reason))


def test_new_sign_in_takes_over_what_waited_for_it(site: "Site", accept: Callable[..., str]) -> None:
    """A new launch for the same patient flushes what waits for a sign-in, audited (F14)."""
    key = accept()
    hold(site, key, "needs-sign-in")

    renewed = site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=site.grant())

    assert (renewed, site.outbox.receipt(key, ehr="harbor", patient="maria-lopez").state) == (1, State.ACCEPTED)
    with site.engine.connect() as connection:
        assert connection.scalars(select(audit.c.event)).all()[-1] == Event.SUBMISSION_RENEWED
        assert verify(connection) == []


def test_what_a_sign_in_has_released(site: "Site", accept: Callable[..., str]) -> None:
    """Counted of this patient while it is on its way: not what is held, nor what goes with its own permission."""
    first, second = accept(key="00000000-0000-4000-8000-000000000001"), accept()
    for key in (first, second):
        hold(site, key, "needs-sign-in")

    def counted() -> list[int]:
        about = [("harbor", "maria-lopez"), ("harbor", "omar-haddad"), ("bay", "maria-lopez")]
        return [count_released(site.engine, *each) for each in about]

    held = counted()
    site.clock.pass_by(minutes=5)
    site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=site.grant())
    renewed = counted()
    hold(site, second, "conflict")
    accept(key="00000000-0000-4000-8000-000000000003")

    assert (held, renewed, counted()) == ([0, 0, 0], [2, 0, 0], [1, 0, 0])


def test_f14_new_sign_in_for_another_patient_takes_over_nothing(site: "Site", accept: Callable[..., str]) -> None:
    """A launch for another patient, by whatever argument, never delivers this patient's form (F14)."""
    key = accept()
    hold(site, key, "needs-sign-in")
    other = site.grant(patient="omar-haddad")

    renewed = [
        site.outbox.renew(ehr="harbor", patient="omar-haddad", grant=other),
        site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=other),
        site.outbox.renew(ehr="bay", patient="maria-lopez", grant=site.grant()),
    ]

    assert renewed == [0, 0, 0]
    assert site.outbox.receipt(key, ehr="harbor", patient="maria-lopez").state is State.HELD


def test_new_sign_in_does_not_touch_what_waits_for_a_person(site: "Site", accept: Callable[..., str]) -> None:
    """A form held because the patient changed is not sent by signing in again."""
    key = accept()
    hold(site, key, "patient-changed")

    assert site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=site.grant()) == 0
    assert site.outbox.receipt(key, ehr="harbor", patient="maria-lopez").reason == "patient-changed"


def test_f28_order_is_that_of_acceptance(site: "Site", accept: Callable[..., str]) -> None:
    """The order in which forms were accepted is kept though the clock went back (F28)."""
    first = accept(key="00000000-0000-4000-8000-000000000002")
    site.clock.now -= timedelta(days=1)
    second = accept(key="00000000-0000-4000-8000-000000000001")

    with site.engine.connect() as connection:
        keys = connection.execute(text("SELECT key FROM submissions ORDER BY sequence")).scalars().all()

    assert keys == [first, second]
