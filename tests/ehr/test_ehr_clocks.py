"""How far an EHR's clock is from ours, by what its answers say of their time."""

from datetime import UTC, datetime, timedelta

import pytest

from fhir_alliance.ehr.clocks import clock_difference, clock_fault

NOW = datetime(2026, 11, 24, 21, 0, 0, tzinfo=UTC)
THEN = "Tue, 24 Nov 2026 21:02:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Date": THEN}, 120),
        ({"Date": "Tue, 24 Nov 2026 20:58:00 GMT"}, -120),
        ({"Date": "Tue, 24 Nov 2026 16:02:00 -0500"}, 120),
        ({"Date": "Tue, 24 Nov 2026 21:02:00 -0000"}, 120),
        ({"Date": "Tue, 24 Nov 2026 20:58:00 GMT", "Age": "120"}, 0),
        ({"Date": THEN, "Age": "-5"}, 120),
        ({"Date": THEN, "Age": "9" * 400}, 120),
        ({"Date": THEN, "Age": "soon"}, 120),
        ({"Date": "2026-11-24T21:02:00Z"}, 0),
        ({"Date": "Tue, 99 Nov 2026 21:02:00 GMT"}, 0),
        ({"Date": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, 0),
        ({"Date": "Mon, 01 Jan 2026 00:00:00 +999999999999999999999"}, 0),
        ({"Date": ""}, 0),
        ({}, 0),
    ],
)
def test_the_difference_of_two_clocks(headers: dict[str, str], seconds: int) -> None:
    """A time in any zone is read, what a cache has kept counts from then, and nonsense is no difference."""
    assert clock_difference(headers, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "told"), [(30, False), (90, False), (91, True)])
def test_ninety_seconds_are_tolerated(seconds: int, told: bool) -> None:
    """A little is not worth a word; more is said with its size and direction."""
    late = clock_fault({"Date": THEN}, now=NOW + timedelta(seconds=120 + seconds))
    early = clock_fault({"Date": THEN}, now=NOW + timedelta(seconds=120 - seconds))

    assert (late, early) == (
        (f"the EHR's clock is {seconds} s behind ours", f"the EHR's clock is {seconds} s ahead of ours")
        if told
        else ("", "")
    )
