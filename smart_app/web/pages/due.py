"""What is due at this visit, in one sentence that says why."""

from collections.abc import Collection, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.words import Rater
from fhir_alliance.visits.due import Due, Why
from fhir_alliance.visits.reminders import Reminded
from fhir_alliance.visits.wishes import Wish
from smart_app.web.pages.words import clock_words, day

NOTHING = "Nothing more is due at this visit."


def wish_sentence(wish: Wish, *, today: date) -> str:
    """Return what is agreed with the patient where that is why nothing is due today, else nothing."""
    if wish.never:
        return "Not asked at visits: the patient does not wish to be."
    if wish.pause and wish.pauses_on(today):
        return f"Not asked until {day(wish.pause.last, today=today).text}: paused."
    return ""


def reminded_sentence(found: Sequence[Reminded], zone: ZoneInfo, *, today: date) -> str:
    """Return when the patient was reminded of a form about this visit, nothing when that did not happen."""
    told = {
        True: "Reminded {}.",
        False: "A reminder could not be sent {}.",
        None: "Whether a reminder was sent {} is not known.",
    }
    groups = {sent: [clock_words(each.at, zone, today=today) for each in found if each.sent is sent] for sent in told}
    return " ".join(told[sent].format(_joined(times)) for sent, times in groups.items() if times)


def due_sentence(found: Sequence[tuple[Due, str]], declined: Collection[str] = ()) -> str:
    """Return the sentence for what is due, each with the name of its form as a person reads it.

    `declined` are the canonicals, without version, of what the person did not want to answer today.
    """
    if not found:
        return NOTHING
    notes = [", declined" if each.form.url in declined else "" for each, _ in found]
    said = [f"{_named(each, title)} ({_why(each)}{note})" for (each, title), note in zip(found, notes, strict=True)]
    return f"Due at this visit: {_joined(said)}."


def is_due(found: Sequence[Due], form: Form) -> bool:
    """Whether a form, of whatever version, is among what is due."""
    return any(each.form.url == form.url for each in found)


def _named(each: Due, title: str) -> str:
    return "your own rating" if each.form.rater is Rater.THERAPIST else f"the {title}"


def _why(each: Due) -> str:
    when = each.rule.when
    if each.why is Why.FLAG:
        return "an answer before was worth a look"
    if each.why is Why.MONTHS:
        return "each month" if when.months == 1 else f"every {when.months} months"
    return "each visit" if when.then_every == 1 else f"planned for visit {each.number}"


def _joined(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
