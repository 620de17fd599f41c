"""Dates and numbers as people write them."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time

from fhir_alliance.sentences import Number
from fhir_alliance.settings import LANGUAGE
from fhir_alliance.trajectory.first_line import one_decimal
from smart_app.web.catalogues import locale_of, page_language, page_locale
from smart_app.web.saying import say

_RANGE = re.compile(r"(?:\bvisits )?[−\d.]+ to [−\d.]+")


@dataclass(frozen=True, kw_only=True)
class When:
    """A day: `text` as people write it, `short` without weekday, `iso` for machines, `full` with weekday and year.

    `near` says that the text is a word such as "today".
    """

    text: str
    short: str
    iso: str
    full: str
    near: bool = False


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the day at the site; `at` carries an offset."""
    return at.astimezone(zone).date()


def day(on: date, *, today: date) -> When:
    """Return "Tue 12 Nov", with the year when it is not this one."""
    return _day(on, page_language(), this_year=on.year == today.year)


def moment_words(at: datetime, zone: ZoneInfo, *, today: date) -> str:
    """Return a moment at the site as "tomorrow, 3:42 pm" or "Tue 12 Nov, 3:42 pm"."""
    local = at.astimezone(zone)
    near = {today: say("today"), today + timedelta(days=1): say("tomorrow")}
    on = near.get(local.date()) or day(local.date(), today=today).text
    return f"{on}, {_clock(local)}"


def clock_words(at: datetime, zone: ZoneInfo, *, today: date) -> str:
    """Return a moment at the site as "3:42 pm" when it is today, with its day otherwise."""
    local = at.astimezone(zone)
    return _clock(local) if local.date() == today else moment_words(at, zone, today=today)


def relative_day(on: date, *, today: date) -> When:
    """Return "today" or "yesterday" where that says it, the date otherwise."""
    near = {today: say("today"), today - timedelta(days=1): say("yesterday")}
    known = day(on, today=today)
    return replace(known, text=near[on], near=True) if on in near else known


_STALE: Final = timedelta(weeks=2)
_COUNTED_IN_WEEKS: Final = timedelta(weeks=9)


def ago_words(on: date, *, today: date) -> str:
    """Return "5 weeks ago" or "4 months ago", rounded down; empty for what is not two weeks old yet."""
    age = today - on
    if age < _STALE:
        return ""
    if age < _COUNTED_IN_WEEKS:
        return say("%(number)s weeks ago", number=age.days // 7)
    return say("%(number)s months ago", number=age.days * 12 // 365)


@lru_cache(maxsize=4096)  # a page says a day several times, and babel takes its time for each
def _day(on: date, tag: str, *, this_year: bool) -> When:
    text, short, full = (
        _formatted(on, skeleton, tag) for skeleton in ("MMMEd" if this_year else "yMMMEd", "MMMd", "yMMMMEEEEd")
    )
    return When(text=text, short=short, iso=on.isoformat(), full=full)


# English is written without the commas and the month first of CLDR's "en", which is the United States'.
_ENGLISH: Final = {
    "MMMEd": "EEE d MMM",
    "yMMMEd": "EEE d MMM y",
    "yMMMMEEEEd": "EEEE d MMMM y",
    "MMMd": "d MMM",
    "yMMMd": "d MMM y",
    "yMMM": "MMM y",
    "MMMMd": "d MMMM",
}


def _said(on: date, skeleton: str) -> str:
    """Return a day with the parts that a CLDR skeleton names, as people write it in the language of the page."""
    return _formatted(on, skeleton, page_language())


@lru_cache(maxsize=4096)
def _formatted(on: date, skeleton: str, tag: str) -> str:
    locale = locale_of(tag)
    if locale.language == LANGUAGE:
        return format_date(on, _ENGLISH[skeleton], locale=locale)
    return format_skeleton(skeleton, on, locale=locale)


def _clock(local: datetime) -> str:
    locale = page_locale()
    if locale.language == LANGUAGE:
        return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
    return format_time(local, "short", tzinfo=local.tzinfo, locale=locale)


def dated(on: date) -> str:
    """Return "12 Nov 2026"."""
    return _said(on, "yMMMd")


def short_day(on: date) -> str:
    """Return "12 Nov"."""
    return _said(on, "MMMd")


def birth_words(birth_date: str) -> str:
    """Return a FHIR date, which may lack day or month, as "4 Mar 1988", "Mar 1988" or "1988"."""
    parts = birth_date.split("-")
    if len(parts) == 1:
        return birth_date
    on = date(int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) == 3 else 1)
    return _said(on, "yMMMd" if len(parts) == 3 else "yMMM")


def birthday_words(birth_date: str) -> str:
    """Return day and month, "4 March"; empty when the record does not hold both."""
    if len(birth_date) != 10:
        return ""
    return _said(date.fromisoformat(birth_date), "MMMMd")


def span(low: Decimal, high: Decimal) -> str:
    """Return a range with an en dash."""
    return f"{say(one_decimal(low))}–{say(one_decimal(high))}"


def plain(value: Decimal) -> str:
    """Return a number with the decimals that it has."""
    return say(Number(f"{value.normalize():f}"))


def between(low: Decimal, high: Decimal) -> str:
    """Return a range in words, "0 to 10"."""
    return say("%(low)s to %(high)s", low=plain(low), high=plain(high))


def hour_words(at: datetime, zone: ZoneInfo) -> str:
    """Return the time of day at the site as "14:05"."""
    return f"{at.astimezone(zone):%H:%M}"


def kept_together(sentence: str) -> str:
    """Return a sentence whose ranges, "6.8 to 8.8" or "visits 1 to 5", are not broken over two lines."""
    return _RANGE.sub(lambda found: found[0].replace(" ", "\u00a0"), sentence)


def capital(words: str) -> str:
    """Return words with a capital in front; what follows stays, as German nouns have one."""
    return words[:1].upper() + words[1:]
