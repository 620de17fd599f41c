"""FHIR dates as ranges of microseconds since 1970 (UTC), and how a search prefix compares two ranges."""

import re
from datetime import UTC, datetime, timedelta

from smart_app.sandbox.fhir.outcomes import Malformed

Range = tuple[int, int]
"""First microsecond of the time meant, and the first one after it."""

EVER: Range = (-(2**62), 2**62)
"""The ends of an open Period."""

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS = {
    "day": timedelta(days=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
    "fraction": timedelta(milliseconds=1),
}

# How the resource's range (lo, hi) must lie to the range asked for ({start}, {stop}): FHIR R4, search.html#prefix.
COMPARISONS = {
    "eq": "lo >= {start} AND hi <= {stop}",
    "ne": "NOT (lo >= {start} AND hi <= {stop})",
    "gt": "hi > {stop}",
    "lt": "lo < {start}",
    "ge": "(hi > {stop} OR lo >= {start} AND hi <= {stop})",
    "le": "(lo < {start} OR lo >= {start} AND hi <= {stop})",
    "sa": "lo >= {stop}",
    "eb": "hi <= {start}",
}


def date_range(text: str) -> Range:
    """Return the range a full or partial FHIR date stands for; without an offset it is taken as UTC.

    Raises Malformed for anything that is not a date of the calendar.
    """
    found = _DATE.fullmatch(text)
    if not found:
        raise Malformed("a date must look like 2026, 2026-03, 2026-03-04 or 2026-03-04T10:30:00+01:00")
    part = found.groupdict()
    zone = "+00:00" if part["zone"] in (None, "Z") else part["zone"]
    fraction = (part["fraction"] or "0")[:6].ljust(6, "0")
    clock = f"{part['hour'] or '00'}:{part['minute'] or '00'}:{part['second'] or '00'}.{fraction}{zone}"
    try:
        start = datetime.fromisoformat(f"{part['year']}-{part['month'] or '01'}-{part['day'] or '01'}T{clock}")
    except ValueError:
        raise Malformed("this date or time is not on the calendar") from None
    try:
        return _micros(start), _micros(_end(start, part))
    except (ValueError, OverflowError):  # the calendar ends with 9999, which records use for "no end"
        return _micros(start), EVER[1]


def period_range(period: dict[str, str]) -> Range:
    """Return the range of a FHIR Period; a missing end is open."""
    start, end = period.get("start"), period.get("end")
    return (date_range(start)[0] if start else EVER[0], date_range(end)[1] if end else EVER[1])


def _end(start: datetime, part: dict[str, str | None]) -> datetime:
    for precision in ("fraction", "second", "minute", "day"):
        if part[precision]:
            return start + _STEPS[precision]
    months = 1 if part["month"] else 12
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
