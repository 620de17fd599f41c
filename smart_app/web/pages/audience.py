"""What a person is told before the first item: who will see the answers."""

from collections.abc import Sequence

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
_PASSED_ON = (
    " Your answer to question {numbers} can be passed on to the clinic's team, who may want to talk about it. That "
    "takes time, and nobody watches live: if you are in danger now, use the numbers here instead."
)


def audience_text(rater: Rater, *, therapist: str, passed_on: Sequence[int] = ()) -> str:
    """Return the text to show, and to keep a digest of; `therapist` is a name, empty when it is not known.

    `passed_on` are the numbers of the questions whose answers may open an alert (security.md, S1 and S4).
    """
    words = {Rater.PATIENT: _PATIENT, Rater.THERAPIST: _THERAPIST}[rater]
    if passed_on and rater is Rater.PATIENT:
        words += _PASSED_ON.format(numbers=" and ".join(map(str, passed_on)))
    return words.format(therapist=therapist or "Your therapist")
