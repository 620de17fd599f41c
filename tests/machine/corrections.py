"""Rules that change what was accepted: other answers, taken back, the wrong person, at any point of the way."""

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from fhir_alliance.delivery.correcting import Cause, Correction
from fhir_alliance.errors import CorrectionRefused
from tests.machine.checks import PATIENTS, Checks
from tests.machine.clinic import ITEMS
from tests.machine.form import Form

BY = {Cause.CHANGED_MIND: "Patient/{}", Cause.MISTAKE: "Patient/{}", Cause.WRONG_PERSON: "Practitioner/ada-okafor"}


class Corrections(Checks):
    """A form that stands may be corrected, whether or not it is in the chart; one that was taken back may not."""

    @precondition(lambda self: any(not form.taken_back for form in self.forms.values()))
    @rule(data=st.data(), value=st.sampled_from("147"))
    def amend(self, data: st.DataObject, value: str) -> None:
        """Give other answers; sent again, they have their receipt again (F33)."""
        form, asked = self._asked(data, Cause.MISTAKE)
        patient = next(each for each in PATIENTS if each["id"] == form.patient)
        submission = self.clinic.submission(len(self.receipts) + 1, patient, dict.fromkeys(ITEMS, value))
        grant = self.charts[form.patient]

        receipt = self.clinic.amend(submission, form.first, asked, grant)
        form.versions[receipt] = replace(submission, key=form.key)

        assert self.clinic.amend(submission, form.first, asked, grant) == receipt

    @precondition(lambda self: any(not form.taken_back for form in self.forms.values()))
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """Let a patient change their mind."""
        self._withdraw(data, Cause.CHANGED_MIND)

    @precondition(lambda self: any(not form.taken_back for form in self.forms.values()))
    @rule(data=st.data())
    def wrong_person(self, data: st.DataObject) -> None:
        """Let a clinician find out that somebody else has answered (F34)."""
        self._withdraw(data, Cause.WRONG_PERSON)

    @precondition(lambda self: any(len(form.versions) > 1 for form in self.forms.values()))
    @rule(data=st.data())
    def correct_what_is_not_the_newest(self, data: st.DataObject) -> None:
        """Refuse to correct a version that somebody has corrected since, or that was taken back."""
        form = data.draw(st.sampled_from([each for each in self.forms.values() if len(each.versions) > 1]))
        seen = len(form.versions) if form.taken_back else len(form.versions) - 1
        number = len(self.receipts) + 1

        with pytest.raises(CorrectionRefused):
            self.clinic.withdraw(
                number, form.patient, _correction(form, seen, Cause.WRONG_PERSON), self.charts[form.patient]
            )

    def _withdraw(self, data: st.DataObject, cause: Cause) -> None:
        """Take a form back; asked for again, it has its receipt again."""
        form, asked = self._asked(data, cause)
        number, grant = len(self.receipts) + 1, self.charts[form.patient]

        receipt = self.clinic.withdraw(number, form.patient, asked, grant)
        form.versions[receipt] = None

        assert self.clinic.withdraw(number, form.patient, asked, grant) == receipt

    def _asked(self, data: st.DataObject, cause: Cause) -> tuple[Form, Correction]:
        standing = [each for each in self.forms.values() if not each.taken_back]
        form = data.draw(st.sampled_from(standing))
        return form, _correction(form, len(form.versions), cause)


def _correction(form: Form, seen: int, cause: Cause) -> Correction:
    return Correction(form_key=form.key, seen=seen, cause=cause, asked_by=BY[cause].format(form.patient))
