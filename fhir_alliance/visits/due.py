"""Which forms are due at a visit, and why: a schedule over a patient's history; values in, values out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from fhir_alliance.instruments.words import Rater
from fhir_alliance.visits.schedule import AskedForm, Rule, Schedule, months_after

NO_VISIT: Final = frozenset({"cancelled", "entered-in-error", "noshow"})
"""`Encounter.status` of a visit that did not take place, or never was one."""


class SeenVisit(NamedTuple):
    """One Encounter as schedules see it; `kinds` and `roles` are codes, `therapist` and `clinics` references."""

    encounter: str
    start: datetime
    status: str
    end: datetime | None = None
    therapist: str | None = None
    kinds: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    clinics: frozenset[str] = frozenset()

    @property
    def clinic(self) -> str:
        """The one that a visit counts for: its organisation, else a place of it, "" when neither is known."""
        return min(self.clinics, key=lambda each: (not each.startswith("Organization/"), each), default="")


class Answered(NamedTuple):
    """A form that was answered or declined: `at` when, about the visit `encounter`, None for no visit."""

    form: AskedForm
    encounter: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Days, both of them included, on which nothing is asked."""

    first: date
    last: date


@dataclass(frozen=True, kw_only=True)
class History:
    """What is known of one patient, in any order; `flags` are the moments at which something was worth a look.

    `opted_out` holds the canonicals (without version) of forms that this patient is not asked; with `never` it is none.
    Unless they are `numbered`, earlier visits may be missing, so that nobody knows which number one has.
    """

    visits: tuple[SeenVisit, ...] = ()
    answered: tuple[Answered, ...] = ()
    flags: tuple[datetime, ...] = ()
    pauses: tuple[Pause, ...] = ()
    opted_out: frozenset[str] = frozenset()
    never: bool = False
    numbered: bool = True


class Why(StrEnum):
    """What made a form due: its place among the visits, the months since, something noticed, or a person."""

    VISIT = "visit"
    MONTHS = "months"
    FLAG = "flag"
    HAND = "hand"


@dataclass(frozen=True, kw_only=True)
class Due:
    """A form that is due about visit `number`, from `opens` until before `closes`; `rule` made it so by its `why`.

    The number is None where it is not known.
    """

    rule: Rule
    why: Why
    number: int | None
    opens: datetime
    closes: datetime

    @property
    def form(self) -> AskedForm:
        """The form that is due."""
        return self.rule.form


def due(schedule: Schedule, history: History, visit: SeenVisit) -> tuple[Due, ...]:
    """Return what is due about a visit, in the order of the schedule's rules; nothing when the visit does not count.

    The visit's number counts the visits with its therapist that the schedule is for, oldest first. A form that is
    covered by a longer one of the same rater is left out, when that one is due as well or was answered about this
    visit. What was answered, or declined, is not due again. Where visits have no numbers only what is asked at each
    visit, or for another reason, is due. Nothing here looks at a clock.
    """
    counted = _counted(schedule, history, visit)
    if visit not in counted or history.never or _paused(history, visit):
        return ()
    place = counted.index(visit)
    number = place + 1 if history.numbered else None
    before = counted[place - 1] if place else None
    open_rules = [rule for rule in schedule.rules if _is_open(rule, history, visit)]
    found = [
        Due(
            rule=rule,
            why=why,
            number=number,
            opens=schedule.opens(visit.start, visit.end),
            closes=schedule.closes(visit.start, visit.end),
        )
        for rule in open_rules
        if (why := next(_reasons(rule, history, visit, number, before), None))
    ]
    return tuple(each for each in found if not any(_replaces(other, each) for other in found))


def planned(schedule: Schedule, history: History, therapist: str | None, *, closed_at: datetime) -> Iterator[SeenVisit]:
    """Yield the visits with a therapist about which the patient was to be asked by their number, oldest first.

    Only those whose form is not asked any more at `closed_at`; whether it was answered makes no difference.
    """
    mine = sorted((each for each in history.visits if each.therapist == therapist), key=lambda each: each.start)
    rules = [rule.when for rule in schedule.rules if rule.form.rater is Rater.PATIENT and not history.never]
    for number, visit in enumerate((each for each in mine if counts(schedule, each)), 1):
        is_closed = schedule.closes(visit.start, visit.end) <= closed_at
        named = any(when.names(number if history.numbered else None) for when in rules)
        if is_closed and named and not _paused(history, visit):
            yield visit


def _counted(schedule: Schedule, history: History, visit: SeenVisit) -> list[SeenVisit]:
    """Return the visits with the therapist of one that the schedule is for, oldest first, with that one itself."""
    known = {each.encounter: each for each in history.visits} | {visit.encounter: visit}
    mine = (each for each in known.values() if each.therapist == visit.therapist and counts(schedule, each))
    return sorted(mine, key=lambda each: (each.start, each.encounter))


def counts(schedule: Schedule, visit: SeenVisit) -> bool:
    """Whether a schedule is for a visit: it took or takes place, and is of a kind that the schedule names."""
    return visit.status not in NO_VISIT and schedule.only.admits(visit.kinds, visit.roles)


def _paused(history: History, visit: SeenVisit) -> bool:
    return any(pause.first <= visit.start.date() <= pause.last for pause in history.pauses)


def _is_open(rule: Rule, history: History, visit: SeenVisit) -> bool:
    done = (each for each in history.answered if each.encounter == visit.encounter)
    return rule.form.url not in history.opted_out and not any(each.form.covers(rule.form) for each in done)


def _reasons(
    rule: Rule, history: History, visit: SeenVisit, number: int | None, before: SeenVisit | None
) -> Iterator[Why]:
    """Yield why a form is due, the most telling reason first; a flag is for the first visit after it."""
    since = before.start if before else datetime.min.replace(tzinfo=UTC)
    if rule.when.after_flag and any(since < flag <= visit.start for flag in history.flags):
        yield Why.FLAG
    if rule.when.names(number):
        yield Why.VISIT
    asked = [each.at for each in history.answered if each.form.covers(rule.form) and each.at <= visit.start]
    last, months = max(asked, default=None), rule.when.months
    if months is not None and (last is None or months_after(last.date(), months) <= visit.start.date()):
        yield Why.MONTHS


def _replaces(other: Due, one: Due) -> bool:
    """Whether another form that is due makes this one needless; of two equal ones the first rule counts."""
    return other is not one and other.form.covers(one.form) and not one.form.covers(other.form)
