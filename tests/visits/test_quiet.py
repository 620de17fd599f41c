"""Quiet hours: what is due at night waits for the morning, by the clock of the site."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from fhir_alliance.visits.quiet import after_quiet

NEW_YORK = ZoneInfo("America/New_York")
NIGHT = (time(20), time(8))


@pytest.mark.parametrize(
    ("at", "quiet", "expected"),
    [
        ((2026, 11, 24, 14), NIGHT, (2026, 11, 24, 14)),
        ((2026, 11, 24, 19, 59), NIGHT, (2026, 11, 24, 19, 59)),
        ((2026, 11, 24, 20), NIGHT, (2026, 11, 25, 8)),
        ((2026, 11, 25, 3), NIGHT, (2026, 11, 25, 8)),
        ((2026, 11, 25, 8), NIGHT, (2026, 11, 25, 8)),
        ((2026, 11, 24, 12, 30), (time(12), time(13)), (2026, 11, 24, 13)),
        ((2026, 11, 24, 3), (time(0), time(0)), (2026, 11, 24, 3)),
        ((2026, 10, 31, 23), NIGHT, (2026, 11, 1, 8)),  # the clocks go back in this night, and the morning is at 8
        ((2026, 3, 7, 23), NIGHT, (2026, 3, 8, 8)),  # and forward in this one
    ],
)
def test_the_night_is_over_in_the_morning(
    at: tuple[int, ...], quiet: tuple[time, time], expected: tuple[int, ...]
) -> None:
    """Inside the hours it is their end, on the day that it falls on; outside it is the moment itself."""
    year, month, day, *clock = at
    moment = datetime(year, month, day, *clock, tzinfo=NEW_YORK).astimezone(UTC)
    year, month, day, *clock = expected

    assert after_quiet(moment, quiet, NEW_YORK) == datetime(year, month, day, *clock, tzinfo=NEW_YORK)
