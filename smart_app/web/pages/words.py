"""Dates and numbers as people write them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from fhir_alliance.trajectory.first_line import one_decimal

_RANGE = re.compile(r"(?:\bvisits )?[−\d.]+ to [−\d.]+")


@dataclass(frozen=True, kw_only=True)
class When:
    """A day: `text` as people write it, `short` without weekday, `iso` for machines, `full` with weekday and year."""

    text: str
    short: str
    iso: str
    full: str


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the day at the site; `at` carries an offset."""
    return at.astimezone(zone).date()


def day(on: date, *, today: date) -> When:
    """Return "Tue 12 Nov", with the year when it is not this one."""
    year = "" if on.year == today.year else f" {on.year}"
    return _when(f"{on:%a} {on.day} {on:%b}{year}", on)


def moment_words(at: datetime, zone: ZoneInfo, *, today: date) -> str:
    """Return a moment at the site as "tomorrow, 3:42 pm" or "Tue 12 Nov, 3:42 pm"."""
    local = at.astimezone(zone)
    near = {today: "today", today + timedelta(days=1): "tomorrow"}
    on = near.get(local.date()) or day(local.date(), today=today).text
    return f"{on}, {local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def relative_day(on: date, *, today: date) -> When:
    """Return "today" or "yesterday" where that says it, the date otherwise."""
    near = {today: "today", today - timedelta(days=1): "yesterday"}
    return _when(near[on], on) if on in near else day(on, today=today)


def _when(text: str, on: date) -> When:
    return When(text=text, short=short_day(on), iso=on.isoformat(), full=f"{on:%A} {on.day} {on:%B} {on.year}")


def short_day(on: date) -> str:
    """Return "12 Nov"."""
    return f"{on.day} {on:%b}"


def birth_words(birth_date: str) -> str:
    """Return a FHIR date, which may lack day or month, as "4 Mar 1988", "Mar 1988" or "1988"."""
    parts = birth_date.split("-")
    if len(parts) == 1:
        return birth_date
    on = date(int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) == 3 else 1)
    return f"{on.day} {on:%b} {on.year}" if len(parts) == 3 else f"{on:%b} {on.year}"


def birthday_words(birth_date: str) -> str:
    """Return day and month, "4 March"; empty when the record does not hold both."""
    if len(birth_date) != 10:
        return ""
    on = date.fromisoformat(birth_date)
    return f"{on.day} {on:%B}"


def span(low: Decimal, high: Decimal) -> str:
    """Return a range with an en dash."""
    return f"{one_decimal(low)}–{one_decimal(high)}"


def kept_together(sentence: str) -> str:
    """Return a sentence whose ranges, "6.8 to 8.8" or "visits 1 to 5", are not broken over two lines."""
    return _RANGE.sub(lambda found: found[0].replace(" ", "\u00a0"), sentence)
