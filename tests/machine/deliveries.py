"""The rules and the invariants: what may happen to a form on its way, and what must be true after each of them."""

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from fhir_alliance.audit import Event, verify
from fhir_alliance.errors import InvalidResource, SubmissionConflict
from fhir_alliance.records.submission import Submission
from fhir_alliance.tables import attempts, audit, submissions
from tests.machine import faulty
from tests.machine.clinic import ITEMS, Clinic, Ehr, bundle_of
from tests.machine.history import RESPONSE, answers_in, submission_of
from tests.prepared import people

PATIENTS = tuple(each for each in people(3) if each["resourceType"] == "Patient")
MOVING = frozenset({"accepted", "leased", "unknown"})
SPOILED = (faulty.LOST, faulty.CUT, faulty.BROKEN, faulty.UNAVAILABLE, faulty.BUSY, faulty.EXPIRED)
CRASHES = ("INSERT INTO attempts", "UPDATE attempts", "UPDATE submissions SET response_id", "UPDATE submissions SET st")
# Longer than the quiet time: until then what an EHR was asked for may still be written.
QUIET = 30
PAUSES = st.sampled_from((0, 1, 5, QUIET + 1, 1000))
patients = st.sampled_from(PATIENTS)


class Deliveries(RuleBasedStateMachine):
    """One site and one EHR; a subclass says how an empty database is made.

    The model is `receipts`, what people were told is safe. A rule that corrects a form changes what is expected there;
    everything below reads only that, the store and the charts.
    """

    database: Any

    def __init__(self) -> None:
        super().__init__()
        self.ehr = Ehr(len(PATIENTS))
        self.clinic = Clinic(self.database(), self.ehr)
        self.receipts: dict[str, Submission] = {}
        self.charts = {each["id"]: self.clinic.sign_in(each["id"]) for each in PATIENTS}
        self.merged: set[str] = set()
        self.mistaken: set[str] = set()

    @initialize()
    def begin_the_day(self) -> None:
        """Accept two forms of each patient, so that every run has something on its way."""
        for patient in PATIENTS * 2:
            self.accept(patient, dict.fromkeys(ITEMS, "8"))

    def teardown(self) -> None:
        """Let the EHR be well again and everybody sign in: then whatever was accepted is in the chart, or held."""
        try:
            self._settle()
            self._compare_histories()
        finally:
            self.clinic.engine.dispose()
            self.ehr.close()

    @rule(patient=patients, answers=st.fixed_dictionaries({item: st.sampled_from("0369") for item in ITEMS}))
    def accept(self, patient: dict[str, Any], answers: dict[str, str]) -> None:
        """Accept a form in a patient's own launch, whichever chart is open elsewhere (F37)."""
        number = len(self.receipts) + 1
        submission = self.clinic.submission(number, patient, answers)
        self.receipts[self.clinic.accept(submission, self.charts[patient["id"]])] = submission

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """Send a form again: it has its receipt again, and its key with other answers is refused (F23, F31)."""
        key = data.draw(st.sampled_from(sorted(self.receipts)))
        submission = self.receipts[key]
        grant = self.charts[submission.patient.id]

        assert self.clinic.accept(submission, grant) == key

        patient = next(each for each in PATIENTS if each["id"] == submission.patient.id)
        other = self.clinic.submission(int(key[-12:], 16), patient, dict.fromkeys(ITEMS, "7"))
        with pytest.raises(SubmissionConflict):
            self.clinic.accept(other, grant)

    @rule(patient=patients, other=patients)
    def switch_chart(self, patient: dict[str, Any], other: dict[str, Any]) -> None:
        """Refuse a form with the contents of another chart, and open that chart in a launch of its own (F14, F37)."""
        if patient != other:
            mixed = self.clinic.submission(10_000, patient, dict.fromkeys(ITEMS, "7"))
            foreign = bundle_of(self.clinic.submission(10_000, other, dict.fromkeys(ITEMS, "7")))
            with pytest.raises(InvalidResource):
                self.clinic.accept(mixed, self.charts[patient["id"]], foreign)
        self.charts[other["id"]] = self.clinic.sign_in(other["id"])

    @rule(seconds=PAUSES)
    def deliver(self, seconds: int) -> None:
        """Let time pass, and try what is due, per patient in the order accepted (I7)."""
        self._pass(seconds)
        before, posted = self._states(), len(self.ehr.faulty.sent)
        self.clinic.courier.deliver_due(self.clinic.now)
        self._check_order(before, self.ehr.faulty.sent[posted:])

    @rule(statement=st.sampled_from(CRASHES), minutes=st.sampled_from((0, 6)))
    def crash(self, statement: str, minutes: int) -> None:
        """End the process at a point of a delivery, and begin another one (F22)."""
        self.clinic.crash_at(statement)
        self._pass(60 * minutes)

    @rule(faults=st.lists(st.sampled_from(SPOILED), min_size=1, max_size=3), seconds=PAUSES)
    def lose_replies(self, faults: list[str], seconds: int) -> None:
        """Deliver while writes are answered badly, or not at all (F04-F06, F13)."""
        self.ehr.faults += faults
        self.deliver(seconds)

    @rule(seconds=PAUSES)
    def delay_commits(self, seconds: int) -> None:
        """Deliver while a write happens some time after its connection was lost (F07)."""
        self.ehr.faults.append(faulty.LATE)
        self.deliver(seconds)

    @rule()
    def commit(self) -> None:
        """Write now what was late."""
        self.ehr.write_late()

    @rule(renewable=st.booleans())
    def expire(self, renewable: bool) -> None:
        """Let all access tokens end, perhaps their permissions, too (F14)."""
        if renewable:
            self.ehr.grants.expire_access_tokens()
        else:
            self.ehr.end_permissions()

    @rule()
    def merge(self) -> None:
        """Let a patient's record go up in another one while a form is filled in: nothing is written to it (F35)."""
        patient = PATIENTS[-1]
        self.ehr.merge(patient["id"])
        self.merged.add(patient["id"])
        known = set(self.receipts)
        self.accept(patient, dict.fromkeys(ITEMS, "5"))
        self.mistaken |= self.receipts.keys() - known
        self.deliver(0)

    @invariant()
    def nothing_is_lost(self) -> None:
        """I1, I5, I8: each receipt is in the store, in the chart when it says so, and with a reason when held."""
        rows, chart = self._rows(), self._chart()
        assert rows.keys() == self.receipts.keys()
        for key, row in rows.items():
            assert row.state in MOVING | {"held", "delivered"}
            assert row.state != "held" or row.reason
            if row.state == "delivered":
                assert len(chart.get(key, ())) == len(_resources(self.receipts[key]))

    @invariant()
    def nothing_is_written_twice_or_elsewhere(self) -> None:
        """I2, I3, I4: what the charts hold is ours once, of the patient shown, and as it was accepted."""
        for key, resources in self._chart().items():
            submission = self.receipts[key]
            assert max(Counter(str(each["identifier"]) for each in resources).values()) == 1
            assert {each["subject"]["reference"] for each in resources} == {submission.patient.reference}
            accepted = {str(each["identifier"]): each.get("valueQuantity") for each in _resources(submission)}
            assert {
                str(each["identifier"]): each.get("valueQuantity") for each in resources
            }.items() <= accepted.items()
            for response in (each for each in resources if each["resourceType"] == RESPONSE):
                assert answers_in(response) == submission.answers.given

    @invariant()
    def nothing_is_sent_unwritten(self) -> None:
        """I6: every write that reached the EHR was written down before, with its row in an unbroken audit trail."""
        with self.clinic.engine.connect() as connection:
            noted = Counter(connection.scalars(select(attempts.c.submission)))
            told = select(audit.c.request_id).where(audit.c.event == Event.SUBMISSION_SENT)
            audited = Counter(connection.scalars(told))
            assert verify(connection) == []
        assert noted == audited
        assert Counter(self.ehr.faulty.sent) <= noted

    def _pass(self, seconds: int) -> None:
        if seconds > QUIET:
            self.ehr.write_late()
        self.clinic.pass_by(seconds)

    def _rows(self) -> dict[str, Any]:
        with self.clinic.engine.connect() as connection:
            return {row.key: row for row in connection.execute(select(submissions))}

    def _states(self) -> dict[str, str]:
        return {key: row.state for key, row in self._rows().items()}

    def _chart(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for resource in self.ehr.holds():
            found.setdefault(submission_of(resource), []).append(resource)
        return found

    def _check_order(self, before: dict[str, str], sent: list[str]) -> None:
        """No form was sent while an earlier one of the same patient was, and still is, on its way."""
        after = self._states()
        for key in sent:
            for earlier in (each for each in self.receipts if each < key):
                if self.receipts[earlier].patient == self.receipts[key].patient:
                    assert not {before[earlier], after[earlier]} <= MOVING

    def _settle(self) -> None:
        self.ehr.faults.clear()
        self.ehr.write_late()
        for patient in PATIENTS:
            self.clinic.sign_in(patient["id"])
        for _ in self.receipts:
            self.clinic.pass_by(1000)
            self.clinic.courier.deliver_due(self.clinic.now)

    def _compare_histories(self) -> None:
        """Compare receipts with charts and what is held: only a merged patient's forms wait for a person."""
        rows, chart = self._rows(), self._chart()
        held = {key for key, row in rows.items() if row.state == "held"}
        assert {row.state for row in rows.values()} <= {"held", "delivered"}
        assert self.mistaken <= held
        assert {self.receipts[key].patient.id for key in held} <= self.merged
        assert {rows[key].reason for key in held} <= {"patient-changed"}
        assert chart.keys() - held == self.receipts.keys() - held


def _resources(submission: Submission) -> list[dict[str, Any]]:
    entries = orjson.loads(bundle_of(submission))["entry"]
    return [each["resource"] for each in entries if each["resource"]["resourceType"] in (RESPONSE, "Observation")]
