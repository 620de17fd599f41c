"""What a clinician has to know of what the view shows, or cannot show."""

from collections.abc import Mapping, Sequence

INCOMPLETE = "Not everything could be read from the health record. Scores and visits may be missing here."
KEPT_HERE = "Scores marked “kept here” cannot be read from the health record: this app keeps them for this view."
OF_OTHERS = "Only visits with you are shown. This patient also sees somebody else, whose ratings stay with them."
# Why a sent form is not in the chart yet, by the courier's reason.
HELD: Mapping[str, str] = {
    "in-review": "it was sent, and waits for review in the health record",
    "needs-sign-in": "it goes in the next time the app is opened for this patient",
    "patient-changed": "the patient's record has changed since it was filled in; please check it is the same person",
    "failed": "the app could not handle this form; your administrator has to look at it",
    "ehr-changed": "this health record has another address now; your administrator has to look at it",
    "client-changed": "how the app signs in to this health record has changed; your administrator has to look at it",
    "encounter-mismatch": "the visit belongs to another patient; please check",
    "changed-in-chart": "it corrects a form that somebody has changed in the chart since; please look at both",
    "gone-from-chart": "it corrects a form that the chart no longer has; please look at both",
    "no-updates": "it corrects a form in the chart, which this app may not change; please correct that one there",
    "other-way": "it corrects a form that was written in another way; your administrator has to look at it",
    "not-allowed": "the health record does not allow it; your administrator can",
    "subject-rewritten": "the health record filed it under another patient; please tell your administrator now",
}
# What is not there because the EHR did not grant it, by the type of resource.
WITHHELD: Mapping[str, str] = {
    "Encounter": (
        "The health record does not let this app read visits. Ratings cannot be told apart by therapist, so none are "
        "shown; a form can be handed over, without a visit."
    ),
    "QuestionnaireResponse": "The health record does not let this app read single answers, so only scores are shown.",
}
LAPSED = (
    "This health record no longer says that it takes what this app writes. A form can still be handed over and "
    "answered; until the record takes it, it is kept here. Please tell your administrator."
)
HELD_OTHERWISE = "the health record has not taken it yet"


def notes_of(
    complete: bool,
    withheld: Sequence[str],
    of_others: bool,
    held: Sequence[str],
    *,
    any_kept: bool,
    lapsed: bool = False,
) -> tuple[str, ...]:
    """Return the notes; `withheld` are types of resources, `held` reasons of the courier.

    `lapsed` says that the EHR has stopped to state what the site's rung needs.
    """
    waiting = tuple(f"A sent form is kept here, not in the chart: {HELD.get(why, HELD_OTHERWISE)}." for why in held)
    lacking = tuple(WITHHELD[kind] for kind in withheld)
    said = ((INCOMPLETE, not complete), (OF_OTHERS, of_others), (KEPT_HERE, any_kept), (LAPSED, lapsed))
    return (*lacking, *(note for note, holds in said if holds), *waiting)
