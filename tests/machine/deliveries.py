"""The rules: what may happen to a form on its way, apart from its being corrected."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from fhir_alliance.errors import InvalidResource, SubmissionConflict
from tests.machine import faulty
from tests.machine.checks import PATIENTS, QUIET
from tests.machine.clinic import ITEMS, bundle_of
from tests.machine.corrections import Corrections
from tests.machine.form import Form

SPOILED = (faulty.LOST, faulty.CUT, faulty.BROKEN, faulty.UNAVAILABLE, faulty.BUSY, faulty.EXPIRED)
CRASHES = ("INSERT INTO attempts", "UPDATE attempts", "UPDATE submissions SET response_id", "UPDATE submissions SET st")
PAUSES = st.sampled_from((0, 1, 5, QUIET + 1, 1000))
patients = st.sampled_from(PATIENTS)


class Deliveries(Corrections):
    """One site and one EHR, in whose charts and between which everything goes wrong."""

    @initialize()
    def begin_the_day(self) -> None:
        """Accept two forms of each patient, so that every run has something on its way."""
        for patient in PATIENTS * 2:
            self.accept(patient, dict.fromkeys(ITEMS, "8"))

    @rule(patient=patients, answers=st.fixed_dictionaries({item: st.sampled_from("0369") for item in ITEMS}))
    def accept(self, patient: dict[str, Any], answers: dict[str, str]) -> None:
        """Accept a form in a patient's own launch, whichever chart is open elsewhere (F37)."""
        submission = self.clinic.submission(len(self.receipts) + 1, patient, answers)
        key = self.clinic.accept(submission, self.charts[patient["id"]])
        self.forms[key] = Form(first=submission, versions={key: submission})

    @precondition(lambda self: self.forms)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """Send a form again: it has its receipt again, and its key with other answers is refused (F23, F31)."""
        key = data.draw(st.sampled_from(sorted(self.forms)))
        submission = self.forms[key].first
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
        before, sent = self._states(), len(self._sent())
        self.clinic.courier.deliver_due(self.clinic.now)
        self._check_order(before, self._sent()[sent:])

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

    @rule(seconds=PAUSES)
    def take_in_part(self, seconds: int) -> None:
        """Deliver while the EHR takes only the first half of a transaction (F10, F11)."""
        self.ehr.faults.append(faulty.PARTLY)
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
        known = set(self.forms)
        self.accept(patient, dict.fromkeys(ITEMS, "5"))
        self.mistaken |= self.forms.keys() - known
        self.deliver(0)

    def _pass(self, seconds: int) -> None:
        if seconds > QUIET:
            self.ehr.write_late()
        self.clinic.pass_by(seconds)
