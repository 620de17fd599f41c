"""What a clinician has to know of what the view shows, or cannot show."""

from collections.abc import Mapping, Sequence
from datetime import date

from fhir_alliance.sentences import Counted, marked
from smart_app.web.pages.words import day
from smart_app.web.saying import say

INCOMPLETE = marked("Not everything could be read from the health record. Scores and visits may be missing here.")
# A record that is longer than what is read at once.
SINCE = marked(
    "The health record holds more than this app reads at once. Only visits since %(day)s are shown here, and nothing "
    "is compared with the visits before."
)
CUT = marked("The health record holds more than this app reads at once, so nothing is compared here.")
UNNUMBERED = marked("Not all visits could be read, so they have no numbers here.")
UNPLANNED = marked(
    "A form that is planned for certain visits is not asked by itself while visits have no numbers: please hand it "
    "over when it is time."
)
KEPT_HERE = marked(
    "Scores marked “kept here” cannot be read from the health record: this app keeps them for this view."
)
OF_OTHERS = marked(
    "Only visits with you are shown. This patient also sees somebody else, whose ratings stay with them."
)
# What is not there because the EHR did not grant it, by the type of resource.
WITHHELD: Mapping[str, str] = {
    "Encounter": marked(
        "The health record does not let this app read visits. Ratings cannot be told apart by therapist, so none are "
        "shown; a form can be handed over, without a visit."
    ),
    "QuestionnaireResponse": marked(
        "The health record does not let this app read single answers, so only scores are shown."
    ),
}
LAPSED = marked(
    "This health record no longer says that it takes what this app writes. A form can still be handed over and "
    "answered; until the record takes it, it is kept here. Please tell your administrator."
)
BLIND = marked(
    "The patient has rated a visit that you have not. What they rated is shown once you have rated it, too, so that "
    "your guess stays a guess; or when the time to rate it is over. Alerts are always shown."
)

ALIKE = marked("Same answers to everything for 5 visits: this says little.")


def notes_of(
    complete: bool,
    withheld: Sequence[str],
    of_others: bool,
    *,
    any_kept: bool,
    lapsed: bool = False,
    blind: bool = False,
    alike: bool = False,
) -> tuple[str, ...]:
    """Return the notes; `withheld` are types of resources.

    `lapsed` says that the EHR has stopped to state what the site's rung needs, `blind` that the therapist rates first,
    `alike` that the patient's answers never differ.
    """
    lacking = tuple(say(WITHHELD[kind]) for kind in withheld)
    said = (
        (ALIKE, alike),
        (INCOMPLETE, not complete),
        (OF_OTHERS, of_others),
        (KEPT_HERE, any_kept),
        (LAPSED, lapsed),
        (BLIND, blind),
    )
    return (*lacking, *(say(note) for note, holds in said if holds))


def part_notes(cut: bool, since: date | None, *, numbered: bool, today: date) -> tuple[str, ...]:
    """Return what a part of a record leaves open; nothing where it was not `cut` and its visits are `numbered`."""
    long = (say(SINCE, day=day(since, today=today).text) if since else say(CUT),) if cut else ()
    return long if numbered else (*long, say(UNNUMBERED))


def released_note(number: int) -> str:
    """Return how many forms have waited for this sign-in; empty without any."""
    if not number:
        return ""
    return say(
        Counted(
            "%(number)s form that was held until now is on its way into the chart.",
            "%(number)s forms that were held until now are on their way into the chart.",
            number,
        )
    )


def held_note(held: Sequence[str]) -> str:
    """Return how many forms are not in the chart yet, and why when that is one reason; empty without any.

    `held` has the words of each one's reason.
    """
    if not held:
        return ""
    if len(set(held)) > 1:
        return say("%(number)s forms are not in the chart yet, for different reasons.", number=len(held))
    return say(
        Counted(
            "%(number)s form is not in the chart yet: %(reason)s.",
            "%(number)s forms are not in the chart yet, all for one reason: %(reason)s.",
            len(held),
            reason=held[0],
        )
    )
