"""What a person is told before the first item: who will see the answers."""

from collections.abc import Mapping, Sequence
from typing import Final

from fhir_alliance.instruments.words import Rater
from fhir_alliance.sentences import marked
from fhir_alliance.settings import ChartReaders, Readers, Rung, Shown
from smart_app.web.saying import say

_SEEN: Final = marked("%(therapist)s will see your answers, usually before your next visit.")
_SEEN_BY_YOURS: Final = marked("Your therapist will see your answers, usually before your next visit.")
_FREE: Final = marked("You can skip any question or say no. Your care does not change. Nobody watches this form live.")
_PASSED_ON: Final = marked(
    "Your answer to question %(numbers)s can be passed on to the clinic's team, who may want to talk about it. That "
    "takes time. Nobody watches live. If you are in danger now, use the numbers here instead."
)
# Where the answers go, by the rung of the EHR; every other rung writes scores only.
_INTO: Final[Mapping[Rater, Mapping[Rung, str]]] = {
    Rater.PATIENT: {
        Rung.OBSERVATIONS: marked("They go into your health record."),
        Rung.HOLD: marked(
            "They are kept in this app, not in your health record. Staff who open it for you may see them."
        ),
    },
    Rater.THERAPIST: {
        Rung.OBSERVATIONS: marked("Your answers go into the patient's health record, marked as your guess."),
        Rung.HOLD: marked(
            "Your answers are kept in this app, marked as your guess, not in the patient's health record."
        ),
    },
}
_SCORES: Final = {
    Rater.PATIENT: marked("Scores made from them go into your health record."),
    Rater.THERAPIST: marked("Scores made from your answers go into the patient's health record, marked as your guess."),
}
_ORGANISATION: Final = marked("The organisation can read them in the health record, too.")
# Until a site has attested who reads the record, the most that may be is said.
_ANYBODY: Final = {
    Rater.PATIENT: (
        marked(
            "Everyone who can open your chart may see them there. So may family members and "
            "others who can use your portal."
        )
    ),
    Rater.THERAPIST: marked(
        "Everyone who can open the chart may see them there. So may the patient, and others who can use the portal."
    ),
}
_STAFF: Final = {
    Rater.PATIENT: {
        ChartReaders.CARE_TEAM: marked("Only staff who treat you may see them there."),
        ChartReaders.EVERYONE: marked("All staff who can open your chart may see them there."),
    },
    Rater.THERAPIST: {
        ChartReaders.CARE_TEAM: marked("Only staff who treat this patient may see them there."),
        ChartReaders.EVERYONE: marked("All staff who can open the chart may see them there."),
    },
}
# By what the portal shows to the patient, and to those whom the patient, or the law, lets use it.
_PORTAL: Final = {
    Rater.PATIENT: {
        (Shown.SHOWN, Shown.SHOWN): marked("You can see them in your portal. So can others who use it for you."),
        (Shown.SHOWN, Shown.HIDDEN): marked("You can see them in your portal. Others who use it for you cannot."),
        (
            Shown.HIDDEN,
            Shown.SHOWN,
        ): marked("Your portal does not show them to you, but others who use it for you can see them."),
        (Shown.HIDDEN, Shown.HIDDEN): marked("Your portal does not show them."),
    },
    Rater.THERAPIST: {
        (Shown.SHOWN, Shown.SHOWN): marked(
            "The patient can see them in the portal. So can others who use it for the patient."
        ),
        (Shown.SHOWN, Shown.HIDDEN): marked("The patient can see them in the portal. Others who use it cannot."),
        (Shown.HIDDEN, Shown.SHOWN): marked(
            "The portal shows them to others who use it for the patient, not to the patient."
        ),
        (Shown.HIDDEN, Shown.HIDDEN): marked("The portal does not show them."),
    },
}


def audience_text(
    rater: Rater,
    *,
    therapist: str,
    passed_on: Sequence[int] = (),
    readers: Readers | None = None,
    rung: Rung = Rung.OBSERVATIONS,
) -> str:
    """Return the text to show, and to keep a digest of; `therapist` is a name, empty when it is not known.

    `passed_on` are the numbers of the questions whose answers may open an alert (security.md, S1 and S4), `readers`
    what the site attests of the EHR (None: nothing, so the most that may be is said), `rung` what is written there.
    """
    record = _record(rater, readers, rung)
    if rater is Rater.THERAPIST:
        return record if rung is Rung.HOLD else f"{record} {say(_ORGANISATION)}"
    seen = say(_SEEN, therapist=therapist) if therapist else say(_SEEN_BY_YOURS)
    numbers = say(" and ").join(map(str, passed_on))
    passed = [say(_PASSED_ON, numbers=numbers)] if passed_on else []
    return " ".join([seen, record, say(_FREE), *passed])


def chart_readers_text(readers: Readers | None) -> str:
    """Return who may read scores of a patient in the chart, as a clinician is told; `readers` as above."""
    return " ".join(say(sentence) for sentence in _readers(Rater.THERAPIST, readers))


def _record(rater: Rater, readers: Readers | None, rung: Rung) -> str:
    """Say where the answers go and who may read them there."""
    told = [_INTO[rater].get(rung, _SCORES[rater])]
    if rung is not Rung.HOLD:
        told += _readers(rater, readers)
    return " ".join(say(sentence) for sentence in told)


def _readers(rater: Rater, readers: Readers | None) -> list[str]:
    if readers is None:
        return [_ANYBODY[rater]]
    return [_STAFF[rater][readers.chart_readers], _PORTAL[rater][readers.patient_portal, readers.proxies]]
