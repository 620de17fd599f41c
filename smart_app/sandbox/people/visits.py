"""When the visits of one synthetic patient take place, and what is answered there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from random import Random

from smart_app.sandbox.people.answers import CORE, FULL, Answers, close, rate
from smart_app.sandbox.people.cast import Person, Therapist
from smart_app.sandbox.people.courses import COURSES

# The clinic keeps one offset all year, so that a visit has the same hour in every season.
CLINIC_TIME = timezone(timedelta(hours=-5))
LENGTH = timedelta(minutes=50)
_GAPS = (7, 7, 7, 7, 6, 8, 14)
_SATURDAY = 5
_FIRST_FULL = (3, 4)
_FULL_EVERY = 6


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One visit; `patient_answers` and `therapist_answers` are None where the form was not answered."""

    person: Person
    number: int
    start: datetime
    today: bool
    full: bool
    change: float
    patient_answers: Answers | None = None
    therapist_answers: Answers | None = None

    @property
    def id(self) -> str:
        """The id of the Encounter."""
        return f"{self.person.id}-v{self.number}"

    @property
    def therapist(self) -> Therapist:
        """Who saw the patient."""
        return self.person.therapist_at(self.number)

    @property
    def end(self) -> datetime:
        """When the visit is over."""
        return self.start + LENGTH


def visits(person: Person, today: date, *, now: datetime | None = None) -> Iterator[Visit]:
    """Yield the visits of `person`, first to last; the last is today's unless the person no longer comes.

    Today's visit is at its usual hour, or has just begun when that hour is still to come at `now`.
    """
    chance = Random(f"harbor {person.id}")  # noqa: S311 (made-up data, wanted the same every time)
    days = _days(person, today, chance)
    for number, day in enumerate(days, start=1):
        usual = datetime.combine(day, time(person.hour), CLINIC_TIME)
        start = _begun(usual, now) if day == today and now else usual
        yield _visit(person, number, start, chance, today=day == today)


def _begun(usual: datetime, now: datetime) -> datetime:
    """Return the usual start, or the last five minutes before `now` when that is earlier, on the same day."""
    local = now.astimezone(CLINIC_TIME)
    just_begun = local.replace(minute=local.minute // 5 * 5, second=0, microsecond=0)
    return min(usual, just_begun)


def _days(person: Person, today: date, chance: Random) -> list[date]:
    """Return the days of the visits, counted back from the last one, on working days except perhaps today."""
    days = [today] if not person.left_days else [_working_day(today - timedelta(days=person.left_days))]
    while len(days) < person.visits:
        days.append(_working_day(days[-1] - timedelta(days=chance.choice(_GAPS))))
    return days[::-1]


def _working_day(day: date) -> date:
    """Return `day`, or the Friday before when it falls on a weekend."""
    return day - timedelta(days=max(0, day.weekday() - _SATURDAY + 1))


def _visit(person: Person, number: int, start: datetime, chance: Random, *, today: bool) -> Visit:
    """Build one visit; the forms of today's are still open."""
    change = COURSES[person.course](number, person.turn, person.visits)
    full = number in _FIRST_FULL or (number - _FIRST_FULL[-1]) % _FULL_EVERY == 0
    answered = not today and number not in person.missed
    patient_answers = _patient_answers(person, change, chance, full=full) if answered else None
    guessed = number in _FIRST_FULL or chance.random() < person.guessed
    return Visit(
        person=person,
        number=number,
        start=start,
        today=today,
        full=full,
        change=change,
        patient_answers=patient_answers,
        therapist_answers=_guess(person, change, chance) if guessed and not today else None,
    )


def _patient_answers(person: Person, change: float, chance: Random, *, full: bool) -> Answers:
    """Answer the patient's form, core or full."""
    items = rate(chance, FULL if full else CORE, level=person.level + change, skips=person.skips)
    harder, talk = close(chance, change)
    return Answers(items=items, harder=harder, talk=talk)


def _guess(person: Person, change: float, chance: Random) -> Answers:
    """Answer the therapist's form: it follows the ups and downs of the patient about half as strongly."""
    level = min(9.0, person.level) + change / 2 + person.guess_gap
    return Answers(items=rate(chance, CORE, level=level, skips=0.0), harder="no")
