"""What must be true after everything that may happen: invariants I1-I8, and receipts == charts + held at the end."""

from collections import Counter
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import func, select

from fhir_alliance.audit import Event, verify
from fhir_alliance.tables import attempts, audit, submissions
from tests.machine.clinic import Clinic
from tests.machine.ehr import Ehr
from tests.machine.form import Form
from tests.machine.history import submission_of
from tests.prepared import people

PATIENTS = tuple(each for each in people(3) if each["resourceType"] == "Patient")
MOVING = frozenset({"accepted", "leased", "unknown"})
# Longer than the quiet time: until then what an EHR was asked for may still be written.
QUIET = 30
# What an EHR took only in part is looked for again, and again.
LOOKS = 6


class Checks(RuleBasedStateMachine):
    """One site and one EHR; a subclass says how an empty database is made.

    The model is `forms`, what people were told is safe: everything below reads only that, the store and the charts.
    """

    database: Any

    def __init__(self) -> None:
        super().__init__()
        self.ehr = Ehr(len(PATIENTS))
        self.clinic = Clinic(self.database(), self.ehr)
        self.forms: dict[str, Form] = {}
        self.charts = {each["id"]: self.clinic.sign_in(each["id"]) for each in PATIENTS}
        self.merged: set[str] = set()
        self.mistaken: set[str] = set()

    @property
    def receipts(self) -> dict[str, Form]:
        """The form of each receipt."""
        return {receipt: form for form in self.forms.values() for receipt in form.versions}

    def teardown(self) -> None:
        """Let the EHR be well again and everybody sign in: then whatever was accepted is in the chart, or held."""
        try:
            self._settle()
            self._compare_histories()
        finally:
            self.clinic.engine.dispose()
            self.ehr.close()

    @invariant()
    def nothing_is_lost(self) -> None:
        """I1, I5, I8: each receipt is in the store, in the chart when it says so, and with a reason when held."""
        rows, chart = self._rows(), self._chart()
        receipts = self.receipts
        assert rows.keys() == receipts.keys()
        for key, row in rows.items():
            form = receipts[key]
            assert row.state in MOVING | {"held", "delivered", "replaced"}
            assert row.state != "held" or row.reason
            assert row.state != "replaced" or key != form.newest
            if row.state == "delivered":
                there = len(chart.get(form.key, ()))
                # What was taken back before it was known to be in the chart may be there in part, or not.
                partly = {0, form.size} if row.kind == "withdrawal" and form.size else {form.size}
                assert there in ({0} if row.reason == "never-sent" else partly)
                if key == form.newest:
                    form.check_newest(chart.get(form.key, []))

    @invariant()
    def nothing_is_written_twice_or_elsewhere(self) -> None:
        """I2, I3, I4: what the charts hold is ours once, of the patient shown, and as some version says."""
        for key, resources in self._chart().items():
            self.forms[key].check(resources)

    @invariant()
    def nothing_is_sent_unwritten(self) -> None:
        """I6: every write that reached the EHR was written down before, with its row in an unbroken audit trail."""
        form = func.coalesce(submissions.c.corrects, submissions.c.key)
        mine = select(form).join_from(attempts, submissions, attempts.c.submission == submissions.c.key)
        with self.clinic.engine.connect() as connection:
            noted = Counter(connection.scalars(select(attempts.c.submission)))
            of_forms = Counter(connection.scalars(mine))
            told = select(audit.c.request_id).where(audit.c.event == Event.SUBMISSION_SENT)
            audited = Counter(connection.scalars(told))
            assert verify(connection) == []
        assert noted == audited
        assert Counter(self.ehr.faulty.sent) <= of_forms

    def _rows(self) -> dict[str, Any]:
        with self.clinic.engine.connect() as connection:
            return {row.key: row for row in connection.execute(select(submissions))}

    def _states(self) -> dict[str, str]:
        return {key: row.state for key, row in self._rows().items()}

    def _sent(self) -> list[str]:
        """Return the keys of all sends, in their order."""
        with self.clinic.engine.connect() as connection:
            return list(connection.scalars(select(attempts.c.submission).order_by(attempts.c.id)))

    def _chart(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for resource in self.ehr.holds():
            found.setdefault(submission_of(resource), []).append(resource)
        return found

    def _check_order(self, before: dict[str, str], sent: list[str]) -> None:
        """No form was sent while an earlier one of the same patient was, and still is, on its way (I7).

        Nothing more is sent of what was taken back, so nothing waits for it.
        """
        after, receipts = self._states(), self.receipts
        waited_for = [key for key, form in receipts.items() if not form.taken_back or key == form.newest]
        for key in sent:
            for earlier in (each for each in waited_for if each < key):
                if receipts[earlier].patient == receipts[key].patient:
                    assert not {before[earlier], after[earlier]} <= MOVING

    def _settle(self) -> None:
        self.ehr.faults.clear()
        self.ehr.write_late()
        self.clinic.pass_by(1)
        for patient in PATIENTS:
            self.clinic.sign_in(patient["id"])
        for _ in range(len(self.receipts) + LOOKS):
            self.clinic.pass_by(1000)
            self.clinic.courier.deliver_due(self.clinic.now)

    def _compare_histories(self) -> None:
        """Compare receipts with charts and what is held: only a merged patient's forms wait for a person."""
        rows, chart, receipts = self._rows(), self._chart(), self.receipts
        held = {key for key, row in rows.items() if row.state == "held"}
        behind = {key for key, row in rows.items() if row.state in MOVING}
        assert {receipts[key].patient for key in held | behind} <= self.merged
        assert {receipts[key].key for key in behind} <= {receipts[key].key for key in held}
        assert {rows[key].reason for key in held} <= {"patient-changed"}
        assert not chart.keys() & self.mistaken
        for form in self.forms.values():
            if rows[form.newest].state == "delivered":
                form.check_newest(chart.get(form.key, []))
