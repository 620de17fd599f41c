"""Completion figures: counted by clinic and week, divided, with reasons, and without small counts."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from fhir_alliance.visits.assignments import Assignments, Trigger
from fhir_alliance.visits.figures import WeekFigures, read_figures

from .test_assignments import CORE, PINS, Clock, clock, due, engine, send, store

__all__ = ["clock", "engine", "send", "store"]  # fixtures

MONDAY = date(2026, 11, 23)
OPENS = datetime(2026, 11, 24, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def assign(store: Assignments, count: int, *, clinic: str = "Organization/day", prefix: str = "p") -> list[str]:
    """Let a form be due about a visit of each of so many patients; returns the patients."""
    patients = [f"{prefix}{number}" for number in range(count)]
    span = {"opens": OPENS, "closes": OPENS + timedelta(hours=48)}
    for each in patients:
        store.settle("harbor", each, f"Encounter/{each}", [due()], PINS, Trigger.POLL, **span, clinic=clinic)
    return patients


def figures(engine: Engine, store: Assignments, first: date = MONDAY, last: date = MONDAY) -> tuple[WeekFigures, ...]:
    """Return the figures of the weeks of two days."""
    return read_figures(engine, store, ["harbor"], first=first, last=last, zone=NEW_YORK)


def answered(send: Callable[..., None], patients: list[str], **values: object) -> None:
    """Let patients answer."""
    for each in patients:
        common = {"patient": each, "encounter": f"Encounter/{each}", "accepted_at": OPENS + timedelta(hours=1)}
        send(f"{CORE}|1.0.0", f"key-{each}", **{**common, **values})


def test_what_became_of_what_was_due(
    engine: Engine, store: Assignments, clock: Clock, send: Callable[..., None]
) -> None:
    """Every form is in one part; the answered are divided by language, device and mode, and late ones counted."""
    people = assign(store, 45)
    answered(send, people[:10], language="en", mode="link", device="phone")
    answered(
        send, people[10:20], language="es", mode="tablet", device="tablet", accepted_at=OPENS + timedelta(hours=25)
    )
    answered(send, people[20:25], declined=True)
    for each in people[25:30]:
        store.decline("harbor", each, f"Encounter/{each}", CORE)
    for each in people[30:35]:
        store.cancel_visit("harbor", each, f"Encounter/{each}", why="visit-cancelled")
    clock.now = OPENS + timedelta(days=3)

    (week,) = figures(engine, store)

    assert (week.week, week.ehr, week.clinic, week.due) == (MONDAY, "harbor", "Organization/day", 40)
    assert week.outcomes == {"answered": 20, "declined": 10, "expired": 10, "open": 0}
    assert (week.late, week.sent) == (10, 0)
    assert week.by == {
        "language": {"en": 10, "es": 10},
        "device": {"phone": 10, "tablet": 10},
        "mode": {"link": 10, "tablet": 10},
    }
    assert week.reasons == {"sent-empty": 5, "not-today": 5, "visit-cancelled": 5}


def test_a_few_are_hidden(engine: Engine, store: Assignments, send: Callable[..., None]) -> None:
    """Of a clinic with a few forms nothing is told, and of another one no part of a few."""
    assign(store, 3, clinic="Organization/small", prefix="q")
    answered(send, assign(store, 30)[:26], language="en")

    large, small = figures(engine, store)

    assert (large.due, large.outcomes["answered"], large.outcomes["open"]) == (30, None, None)
    assert (small.due, small.sent, small.late) == (None, None, None)
    assert set(small.outcomes.values()) == {None}
    assert large.by == small.by == {"language": {}, "device": {}, "mode": {}}


def test_weeks_are_whole(engine: Engine, store: Assignments) -> None:
    """Whichever days are named, the same weeks come, in the site's time: nothing can be found out by subtracting."""
    assign(store, 6)

    weeks = [figures(engine, store, MONDAY + timedelta(days=each), MONDAY + timedelta(days=each)) for each in range(7)]

    assert weeks == [weeks[0]] * 7
    assert len(weeks[0]) == 1
    assert figures(engine, store, MONDAY - timedelta(days=7), MONDAY - timedelta(days=1)) == ()
