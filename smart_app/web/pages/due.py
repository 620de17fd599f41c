"""What is due at this visit, in one sentence that says why."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.words import Rater
from fhir_alliance.sentences import marked
from fhir_alliance.visits.due import Due, Why
from fhir_alliance.visits.reminders import Reminded
from fhir_alliance.visits.wishes import Wish
from smart_app.web.pages.words import clock_words, day
from smart_app.web.saying import all_of, say

NOTHING = marked("Nothing more is due at this visit.")

# By whether the message was sent; None where nobody knows.
_REMINDED: Final[Mapping[bool | None, str]] = {
    True: marked("Reminded %(times)s."),
    False: marked("A reminder could not be sent %(times)s."),
    None: marked("Whether a reminder was sent %(times)s is not known."),
}


def wish_sentence(wish: Wish, *, today: date) -> str:
    """Return what is agreed with the patient where that is why nothing is due today, else nothing."""
    if wish.never:
        return say("Not asked at visits: the patient does not wish to be.")
    if wish.pause and wish.pauses_on(today):
        return say("Not asked until %(day)s: paused.", day=day(wish.pause.last, today=today).text)
    return ""


def reminded_sentence(found: Sequence[Reminded], zone: ZoneInfo, *, today: date) -> str:
    """Return when the patient was reminded of a form about this visit, nothing when that did not happen."""
    groups = {
        sent: [clock_words(each.at, zone, today=today) for each in found if each.sent is sent] for sent in _REMINDED
    }
    return " ".join(say(_REMINDED[sent], times=all_of(times)) for sent, times in groups.items() if times)


def due_sentence(found: Sequence[tuple[Due, str]], declined: Collection[str] = ()) -> str:
    """Return the sentence for what is due, each with the name of its form as a person reads it.

    `declined` are the canonicals, without version, of what the person did not want to answer today.
    """
    if not found:
        return say(NOTHING)
    said = [_due(each, title, declined=each.form.url in declined) for each, title in found]
    return say("Due at this visit: %(forms)s.", forms=all_of(said))


def is_due(found: Sequence[Due], form: Form) -> bool:
    """Whether a form, of whatever version, is among what is due."""
    return any(each.form.url == form.url for each in found)


def _due(each: Due, title: str, *, declined: bool) -> str:
    named = say("your own rating") if each.form.rater is Rater.THERAPIST else say("the %(form)s", form=title)
    if declined:
        return say("%(form)s (%(why)s, declined)", form=named, why=_why(each))
    return say("%(form)s (%(why)s)", form=named, why=_why(each))


def _why(each: Due) -> str:
    when = each.rule.when
    if each.why is Why.FLAG:
        return say("an answer before was worth a look")
    if each.why is Why.MONTHS:
        return say("each month") if when.months == 1 else say("every %(number)s months", number=when.months)
    return say("each visit") if when.then_every == 1 else say("planned for visit %(number)s", number=each.number)
