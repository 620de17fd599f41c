"""What is measured: a full form with every question answered, and what it writes."""

from datetime import UTC, datetime

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.submission import PatientShown, Submission
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer


def full_submission() -> Submission:
    """Return a full form with every question answered."""
    instrument = shipped().instrument("visit-check-in")
    form = instrument.form(Rater.PATIENT, "full")
    answers = Answers(given={item.link_id: item.options[-1].code for item in form.items})
    now = datetime(2026, 11, 12, 15, 42, 7, tzinfo=UTC)
    shown = PatientShown(id="p", name="Maria Lopez", birth_date="1988-03-04", identifiers=(("urn:x", "1"),))
    return Submission(
        key="7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10",
        ehr="harbor",
        instrument=instrument,
        form=form,
        patient=shown,
        encounter="Encounter/e",
        therapist="Practitioner/t",
        source="Patient/p",
        author="Patient/p",
        launch="launch",
        answers=answers,
        declined=False,
        scores=Scorer(form).score(answers),
        authored=now,
        scored=now,
        language="en",
        audience_digest="0" * 64,
    )
