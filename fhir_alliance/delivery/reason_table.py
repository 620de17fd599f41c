"""The table of reasons why a form is not in the chart: the words, who can do something, and what that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fhir_alliance.delivery.receipts import (
    CHANGED_IN_CHART,
    GONE_FROM_CHART,
    IN_REVIEW,
    NEEDS_SIGN_IN,
    NO_UPDATES,
    NOT_IN_CHART,
    OTHER_WAY,
    OWN_RATING,
    SCORED_ELSEWHERE,
    SUPERSEDED,
)
from fhir_alliance.sentences import Sentence

EHR_CHANGED: Final = "ehr-changed"
CLIENT_CHANGED: Final = "client-changed"


class Who(StrEnum):
    """Who can do something about it."""

    NOBODY = "nobody"
    CLINICIAN = "clinician"
    ADMINISTRATOR = "administrator"


class Again(StrEnum):
    """How it can be tried again: by itself, at a person's word, after a person has looked at it, or not at all."""

    ITSELF = "by itself"
    RETRY = "retry"
    RELEASE = "release"
    NEVER = "never"


@dataclass(frozen=True)
class Reason:
    """One reason: `words` end a sentence, `todo` is one or more; `fault` is the row of the fault model it answers."""

    words: str
    todo: str
    who: Who
    again: Again
    fault: str

    @property
    def told(self) -> str:
        """The words for a clinician, who cannot do what is an administrator's."""
        if self.who is not Who.ADMINISTRATOR:
            return self.words
        return Sentence("%(reason)s; please tell your administrator", reason=Sentence(self.words))


_ADMIN: Final = Who.ADMINISTRATOR
WAIT: Final = "Nothing has to be done: it is tried again by itself."
"""What to do about what is tried again by itself."""
LOOK_AGAIN: Final = "Then let fhir-alliance harvest look again."
"""What to do about a response of others when the cause is mended."""
_LOOK: Final = "Look at this patient's chart in the health record first: what is there, and what should be."

REASONS: Final[Mapping[str, Reason]] = {
    "ehr.unreachable": Reason("the health record does not answer", WAIT, Who.NOBODY, Again.ITSELF, "F01"),
    "ehr.not-sent": Reason("the health record is left alone for a while", WAIT, Who.NOBODY, Again.ITSELF, "F03"),
    "ehr.refused": Reason("the health record asked to come back later", WAIT, Who.NOBODY, Again.ITSELF, "F04"),
    "not-read-back": Reason(
        "it was sent, and cannot be read from the health record yet", WAIT, Who.NOBODY, Again.ITSELF, "F08"
    ),
    IN_REVIEW: Reason(
        "it was sent, and waits for review in the health record",
        "Somebody has to review it in the health record; then it is found by itself.",
        Who.CLINICIAN,
        Again.ITSELF,
        "F08",
    ),
    NEEDS_SIGN_IN: Reason(
        "it goes in the next time the app is opened for this patient",
        "Open the app in this patient's chart once more. With a backend client for this health record nobody has to.",
        Who.CLINICIAN,
        Again.RETRY,
        "F14",
    ),
    "not-allowed": Reason(
        "the health record does not allow it",
        "Let the health record's administrator allow the app to write this, then retry; doctor tells what is missing.",
        _ADMIN,
        Again.RETRY,
        "F15",
    ),
    "not-found": Reason(
        "the health record says that there is no such place",
        "Check the health record's address in the settings, and whether it takes these resources; then retry.",
        _ADMIN,
        Again.RETRY,
        "F19",
    ),
    "invalid": Reason(
        "the health record says that it is not valid",
        "The answers cannot be changed. When the health record takes what this app writes, retry.",
        _ADMIN,
        Again.RETRY,
        "F18",
    ),
    "cannot-read-back": Reason(
        "it was sent, and the health record does not let the app read it",
        "Let the health record's administrator allow the app to read what it wrote, then retry: nothing is sent twice.",
        _ADMIN,
        Again.RETRY,
        "F12",
    ),
    "outcome-unknown": Reason(
        "it may be in the chart, and the health record cannot be searched for it",
        "Let the health record's administrator allow the app to search, then retry: nothing is sent before that.",
        _ADMIN,
        Again.RETRY,
        "F07",
    ),
    "patient-changed": Reason(
        "the patient's record has changed since it was filled in; please check it is the same person",
        "Compare the patient in the health record. A merged or renamed patient stays held; released, it is compared "
        "again before anything is written.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F35",
    ),
    "patient-gone": Reason(
        "the patient is no longer in the health record; please check",
        "Find out what became of the patient. Released, the patient is looked for again before anything is written.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F16",
    ),
    "encounter-mismatch": Reason(
        "the visit belongs to another patient; please check",
        "Compare the visit in the health record. Released, it is compared again before anything is written.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F36",
    ),
    "encounter-gone": Reason(
        "the visit is no longer in the health record; please check",
        "Find out what became of the visit. Released, it is looked for again before anything is written.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F36",
    ),
    EHR_CHANGED: Reason(
        "this health record has another address now",
        "Confirm with the health record's administrator that it is the same record at a new address, then release; the "
        "patient is compared there before anything is written.",
        _ADMIN,
        Again.RELEASE,
        "F44",
    ),
    CLIENT_CHANGED: Reason(
        "how the app signs in to this health record has changed",
        "Confirm that the client in the settings is the site's own, then release: it goes in with a backend client, or "
        "the next time the app is opened for this patient.",
        _ADMIN,
        Again.RELEASE,
        "F44",
    ),
    "conflict": Reason(
        "somebody else wrote to the same place first; please check", _LOOK, Who.CLINICIAN, Again.RELEASE, "F17"
    ),
    CHANGED_IN_CHART: Reason(
        "it corrects a form that somebody has changed in the chart since; please look at both",
        f"{_LOOK} Correct it there by hand. Released, it is compared once more; nobody's change is overwritten.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F17",
    ),
    GONE_FROM_CHART: Reason(
        "it corrects a form that the chart no longer has; please look at both",
        f"{_LOOK} Released, it is looked for once more; nothing is written in its place.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F16",
    ),
    NO_UPDATES: Reason(
        "it corrects a form in the chart, which this app may not change; please correct that one there",
        "Correct it in the health record, or mark it there as entered in error. When the app may change it, retry.",
        Who.CLINICIAN,
        Again.RETRY,
        "F33",
    ),
    OTHER_WAY: Reason(
        "it corrects a form that was written in another way",
        "Correct it in the health record by hand, as both ways of writing are not mixed for one score.",
        _ADMIN,
        Again.RELEASE,
        "F33",
    ),
    "possible-duplicate": Reason(
        "it may be in the chart twice; please check",
        f"{_LOOK} Mark one of the two entered in error, then release.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F07",
    ),
    "changed-by-ehr": Reason(
        "it is in the health record with other content than was sent; please check",
        f"{_LOOK} Released, it is compared once more; nothing is overwritten.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F20",
    ),
    "identifier-changed": Reason(
        "it is in the health record without the mark it was sent with",
        f"{_LOOK} Released, it is compared once more; nothing is sent again.",
        _ADMIN,
        Again.RELEASE,
        "F20",
    ),
    "subject-rewritten": Reason(
        "the health record filed it under another patient; this is urgent",
        "Mark what is in the wrong chart entered in error now. Released, it is compared once more.",
        _ADMIN,
        Again.RELEASE,
        "F21",
    ),
    "refused": Reason(
        "the health record has not taken it yet",
        "Find out from the health record's log why it refused, then release.",
        _ADMIN,
        Again.RELEASE,
        "F15",
    ),
    "failed": Reason(
        "the app could not handle this form",
        "Look for `delivery.broken` with this key in the app's log. When the cause is mended, release.",
        _ADMIN,
        Again.RELEASE,
        "F43",
    ),
    "launch.unknown-issuer": Reason(
        "this health record is no longer in the app's settings",
        "Put the health record back into the settings, then retry.",
        _ADMIN,
        Again.RETRY,
        "F44",
    ),
    "label-dropped": Reason(
        "it is in the chart, without the confidentiality label that it was sent with",
        "Tell the health record's administrator, who can set the label and keep it from being dropped.",
        _ADMIN,
        Again.NEVER,
        "F20",
    ),
    "earlier-note-stays": Reason(
        "it is in the chart, and an earlier note of the same visit could not be marked as superseded",
        "Mark the earlier note as superseded in the health record; the newer one names what it replaces.",
        _ADMIN,
        Again.NEVER,
        "F17",
    ),
    "not-comparable": Reason(
        "scores of another form filler's response are in the chart already, and cannot be compared with ours any more",
        f"{_LOOK} Released, they are compared once more; nothing is overwritten.",
        Who.CLINICIAN,
        Again.RELEASE,
        "F17",
    ),
    SUPERSEDED: Reason(
        "a later version of the response took its place, which is scored by itself", "", Who.NOBODY, Again.NEVER, "F33"
    ),
    SCORED_ELSEWHERE: Reason(
        "another program has scored the response already, and it is not scored twice",
        "",
        Who.NOBODY,
        Again.NEVER,
        "F09",
    ),
    "harvest.invalid": Reason(
        "its answers do not fit the form that it names",
        "Tell who runs the form filler; fhir-alliance harvest names the faults. A mended version is found by itself.",
        _ADMIN,
        Again.NEVER,
        "",
    ),
    "harvest.which-version": Reason(
        "it does not say which version of the form it answers",
        "Tell who runs the form filler that its responses have to name the version.",
        _ADMIN,
        Again.NEVER,
        "F39",
    ),
    "harvest.unknown-version": Reason(
        "it answers a version of the form that is not installed here",
        f"Install that version. {LOOK_AGAIN}",
        _ADMIN,
        Again.NEVER,
        "F39",
    ),
    "harvest.another-rater": Reason(
        "somebody else answered it than the form asks",
        "Find out in the health record who answered it, and tell who runs the form filler.",
        _ADMIN,
        Again.NEVER,
        "",
    ),
    "harvest.patient-gone": Reason(
        "its patient is not in the health record",
        f"Find out what became of the patient. {LOOK_AGAIN}",
        _ADMIN,
        Again.NEVER,
        "F16",
    ),
    "harvest.foreign-visit": Reason(
        "its visit is another patient's, or is not there",
        "Correct the visit of the response in the health record; the new version is found by itself.",
        Who.CLINICIAN,
        Again.NEVER,
        "F36",
    ),
    "harvest.no-version": Reason(
        "the health record does not say which version of it this is",
        f"Let the health record's administrator have it say meta.versionId. {LOOK_AGAIN}",
        _ADMIN,
        Again.NEVER,
        "F19",
    ),
    "harvest.not-comparable": Reason(
        "it was entered in error, and its scores in the chart cannot be compared with ours any more",
        "Mark its scores entered in error in the health record.",
        Who.CLINICIAN,
        Again.NEVER,
        "F34",
    ),
    NOT_IN_CHART: Reason(
        "it is kept here, because this health record takes no such entries", "", Who.NOBODY, Again.NEVER, "F19"
    ),
    OWN_RATING: Reason(
        "it is kept here, because a therapist's own rating is not written into a note", "", Who.NOBODY, Again.NEVER, ""
    ),
}
