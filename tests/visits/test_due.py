"""What is due at a visit, checked against schedules as sites write them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.visits.due import Answered, Due, History, Pause, SeenVisit, Why, due, planned
from fhir_alliance.visits.schedule import AskedForm, Asking, Rule, Schedule, VisitFilter, months_after

ITEMS = frozenset(str(number) for number in range(1, 13))
CORE = AskedForm(url="https://x/core", instrument="check-in", rater=Rater.PATIENT, items=frozenset("123456") - {"0"})
FULL = AskedForm(url="https://x/full", instrument="check-in", rater=Rater.PATIENT, items=ITEMS)
GUESS = AskedForm(url="https://x/guess", instrument="check-in", rater=Rater.THERAPIST, items=CORE.items)
MOOD = AskedForm(url="https://x/mood", instrument="mood", rater=Rater.PATIENT, items=frozenset({"m"}))
ADVISED = Schedule(
    rules=(
        Rule(form=CORE, when=Advice(visits=frozenset({1}), then_every=1)),
        Rule(form=FULL, when=Advice(visits=frozenset({3, 4}), then_every=6)),
        Rule(form=GUESS, when=Advice(visits=frozenset({3, 4}), after_flag=True)),
    )
)
FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)


def week(number: int, **changed: object) -> SeenVisit:
    """Return the visit of a week, from 1."""
    start = FIRST + timedelta(weeks=number - 1)
    seen = SeenVisit(
        encounter=f"Encounter/{number}",
        start=start,
        end=start + timedelta(minutes=50),
        status="finished",
        therapist="Practitioner/ada",
    )
    return seen._replace(**changed)  # type: ignore[arg-type]


def weeks(count: int) -> History:
    """Return the history of somebody who came every week and answered nothing."""
    return History(visits=tuple(week(number) for number in range(1, count + 1)))


def urls(found: tuple[Due, ...]) -> list[str]:
    """Return what is due, by the last part of its name."""
    return [each.form.url.rpartition("/")[2] for each in found]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, ["core"]),
        (2, ["core"]),
        (3, ["full", "guess"]),
        (4, ["full", "guess"]),
        (5, ["core"]),
        (9, ["core"]),
        (10, ["full"]),
        (16, ["full"]),
        (17, ["core"]),
    ],
)
def test_the_advised_schedule(number: int, expected: list[str]) -> None:
    """Core at each visit, full at 3, 4 and every sixth after, where it replaces the core; the therapist at 3 and 4."""
    assert urls(due(ADVISED, weeks(20), week(number))) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (Advice(visits=frozenset({2}), then_every=2), [2, 4, 6, 8, 10, 12]),
        (Advice(visits=frozenset({3, 4, 5}), then_every=4), [3, 4, 5, 9]),
        (Advice(visits=frozenset({1})), [1]),
        (Advice(), []),
    ],
)
def test_rules_name_visits(when: Advice, expected: list[int]) -> None:
    """Every n-th, "3 to 5 and then every fourth" and a single visit are all said with the same two words."""
    schedule = Schedule(rules=(Rule(form=MOOD, when=when),))

    asked = [number for number in range(1, 13) if due(schedule, weeks(12), week(number))]

    assert asked == expected


@pytest.mark.parametrize(
    ("when", "is_due"),
    [
        (Advice(visits=frozenset({1}), then_every=1), True),
        (Advice(visits=frozenset({1, 2}), then_every=1), True),
        (Advice(visits=frozenset({1, 3}), then_every=1), False),
        (Advice(visits=frozenset({2}), then_every=1), False),
        (Advice(visits=frozenset({1}), then_every=2), False),
        (Advice(visits=frozenset({1, 2, 3})), False),
        (Advice(months=1), True),
    ],
)
def test_where_visits_have_no_numbers(when: Advice, *, is_due: bool) -> None:
    """Only what every visit is asked, whatever its number, or what another reason asks, is due; nobody is to guess."""
    schedule, history = Schedule(rules=(Rule(form=MOOD, when=when),)), replace(weeks(5), numbered=False)

    found = due(schedule, history, week(3))
    closed = planned(schedule, history, "Practitioner/ada", closed_at=FIRST + timedelta(weeks=99))

    assert [each.number for each in found] == ([None] if is_due else [])
    assert len(list(closed)) == (5 if is_due and when.visits else 0)


def test_monthly_counts_from_the_last_answer() -> None:
    """A monthly form is due at the first visit, and again once a calendar month has passed since it was answered."""
    schedule = Schedule(rules=(Rule(form=MOOD, when=Advice(months=1)),))
    history = replace(weeks(8), answered=(Answered(form=MOOD, encounter="Encounter/2", at=week(2).start),))

    asked = [number for number in range(2, 9) if due(schedule, history, week(number))]

    assert due(schedule, weeks(1), week(1))[0].why is Why.MONTHS
    assert asked == [7, 8]


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 11, 5), 14, date(2028, 1, 5)),
    ],
)
def test_months_end_where_the_calendar_ends_them(day: date, months: int, later: date) -> None:
    """A month after the 31st is the last day of the shorter month, in leap years too."""
    assert months_after(day, months) == later


def test_after_a_flag() -> None:
    """The therapist is asked at the first visit after a flag, and at no later one because of it."""
    flagged = replace(weeks(9), flags=(week(5).start + timedelta(hours=1),))

    asked = [urls(due(ADVISED, flagged, week(number))) for number in (5, 6, 7)]

    assert asked == [["core"], ["core", "guess"], ["core"]]
    assert due(ADVISED, flagged, week(6))[1].why is Why.FLAG


def test_a_flag_before_the_first_visit_counts_for_it() -> None:
    """What was noticed before somebody new takes over is asked about at their first visit."""
    schedule = Schedule(rules=(Rule(form=GUESS, when=Advice(after_flag=True)),))

    assert urls(due(schedule, History(flags=(FIRST - timedelta(days=3),)), week(1))) == ["guess"]


@pytest.mark.parametrize(("form", "left"), [(CORE, ["full", "guess"]), (FULL, ["guess"]), (GUESS, ["full"])])
def test_what_was_answered_is_not_due(form: AskedForm, left: list[str]) -> None:
    """The full form covers the short one, never the other way round, and nobody's form covers the other rater's."""
    history = replace(weeks(4), answered=(Answered(form=form, encounter="Encounter/4", at=week(4).start),))

    assert urls(due(ADVISED, history, week(4))) == left


def test_only_visits_of_the_schedule_count() -> None:
    """Intakes, prescribers and visits that did not take place are neither asked about nor counted."""
    schedule = replace(ADVISED, only=VisitFilter(not_kinds=frozenset({"intake"}), roles=frozenset({"therapist"})))
    role = {"roles": frozenset({"therapist"})}
    visits = (
        week(1, kinds=frozenset({"intake"}), **role),
        week(2, **role),
        week(3, roles=frozenset({"prescriber"})),
        week(4, status="cancelled", **role),
        week(5, therapist="Practitioner/ben", **role),
        week(6, **role),
    )
    history = History(visits=visits)

    found = [due(schedule, history, visit) for visit in visits]

    assert [each[0].number if each else None for each in found] == [None, 1, None, None, 1, 2]


@pytest.mark.parametrize(
    "changed",
    [{"never": True}, {"pauses": (Pause(first=week(4).start.date(), last=week(4).start.date()),)}],
)
def test_nothing_is_asked_in_a_pause(changed: dict[str, object]) -> None:
    """A pause, its first and last day included, and a refusal of everything leave nothing due."""
    assert due(ADVISED, replace(weeks(5), **changed), week(4)) == ()  # type: ignore[arg-type]
    assert due(ADVISED, weeks(5), week(4)) != ()


def test_one_form_can_be_refused() -> None:
    """Who is not asked the long form gets the short one where the long one would have replaced it."""
    assert urls(due(ADVISED, replace(weeks(5), opted_out=frozenset({FULL.url})), week(4))) == ["core", "guess"]


@pytest.mark.parametrize(
    ("asking", "end", "opens"),
    [
        (Asking.IN_VISIT, 50, 35),
        (Asking.IN_VISIT, 10, 0),
        (Asking.IN_VISIT, None, 0),
        (Asking.AFTER, 50, 50),
        (Asking.AFTER, None, 0),
        (Asking.AFTER, -5, 0),
    ],
)
def test_never_before_the_visit(asking: Asking, end: int | None, opens: int) -> None:
    """A form opens in the last minutes of its visit, or after it, and closes two days later; minutes from its start."""
    schedule = replace(ADVISED, asking=asking)
    visit = week(1, end=None if end is None else FIRST + timedelta(minutes=end))

    found = due(schedule, History(), visit)[0]

    assert found.opens == FIRST + timedelta(minutes=opens)
    assert found.closes == FIRST + timedelta(minutes=max(end or 0, 0), hours=48)


@given(st.permutations(range(1, 9)), st.integers(1, 8))
def test_the_order_of_the_history_does_not_matter(order: list[int], number: int) -> None:
    """What is due depends on what happened, not on the order in which it was read."""
    history = weeks(8)
    shuffled = History(visits=tuple(history.visits[each - 1] for each in order))

    assert due(ADVISED, shuffled, week(number)) == due(ADVISED, history, week(number))


@given(st.integers(1, 30), st.integers(0, 10))
def test_later_visits_change_nothing(number: int, later: int) -> None:
    """What is due at a visit is the same whether or not later visits are known already."""
    assert due(ADVISED, weeks(number + later), week(number)) == due(ADVISED, weeks(number - 1), week(number))


def test_planned_visits_are_closed_ones_of_the_patients_form() -> None:
    """Visits that are over count whether answered or not; one still open, or in a pause, does not."""
    history = replace(weeks(5), pauses=(Pause(first=week(2).start.date(), last=week(2).start.date()),))
    every_second = Schedule(rules=(Rule(form=CORE, when=Advice(visits=frozenset({2}), then_every=2)),))
    guesses = Schedule(rules=(Rule(form=GUESS, when=Advice(visits=frozenset({1}), then_every=1)),))
    day_after = week(5).start + timedelta(days=1)

    def numbers(schedule: Schedule, known: History = history) -> list[str]:
        found = planned(schedule, known, "Practitioner/ada", closed_at=day_after)
        return [each.encounter.rpartition("/")[2] for each in found]

    assert numbers(ADVISED) == ["1", "3", "4"]
    assert numbers(every_second) == ["4"]
    assert numbers(guesses) == []
    assert numbers(ADVISED, replace(history, never=True)) == []
    assert list(planned(ADVISED, history, "Practitioner/else", closed_at=day_after)) == []
