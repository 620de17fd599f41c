"""What a person is told before the first item: who will see the answers."""

from fhir_alliance.instruments.words import Rater

_PATIENT = (
    "{therapist} will see your answers, usually before your next visit. They go into your health record, so other "
    "staff, and anyone you let use your portal, may see them. You can skip any question or say no. Your care does not "
    "change. Nobody watches this form live."
)
_THERAPIST = (
    "Your answers go into the patient's health record, marked as your guess. Other staff who treat this patient, and "
    "the patient, may see them there."
)


def audience_text(rater: Rater, *, therapist: str) -> str:
    """Return the text to show, and to keep a digest of; `therapist` is a name, empty when it is not known."""
    words = {Rater.PATIENT: _PATIENT, Rater.THERAPIST: _THERAPIST}[rater]
    return words.format(therapist=therapist or "Your therapist")
