"""Whether an EHR's clock and ours agree, by the Date of its answers: proofs of another time are refused (S44)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

TOLERATED: Final = timedelta(seconds=90)
"""A proof of ours is dated back 30 seconds, and most servers accept one that is a minute early."""

_AGE = re.compile(r"[0-9]{1,9}")


def clock_difference(headers: Mapping[str, str], *, now: datetime) -> timedelta:
    """Return how far an answer's clock is ahead of ours (RFC 9110, 6.6.1); zero when it does not say.

    What a cache has kept for a while says so in Age (RFC 9111, 5.1).
    """
    date = http_date(headers.get("Date", ""))
    if date is None:
        return timedelta()
    age = headers.get("Age", "")
    kept = timedelta(seconds=int(age) if _AGE.fullmatch(age) else 0)
    return date - (now - kept)


def http_date(text: str) -> datetime | None:
    """Read a date of a header (RFC 9110, 5.6.7); None for whatever is none, such as one of a year that cannot be."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def clock_fault(headers: Mapping[str, str], *, now: datetime) -> str:
    """Return in words by how much the clocks differ, empty when that is tolerated."""
    ahead = clock_difference(headers, now=now)
    if abs(ahead) <= TOLERATED:
        return ""
    return (
        f"the EHR's clock is {abs(ahead).total_seconds():.0f} s {'ahead of' if ahead > timedelta() else 'behind'} ours"
    )
