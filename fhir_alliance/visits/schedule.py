"""What a site asks and when, as data: rules, which visits they are for, and for how long a form is open."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater


class Asking(StrEnum):
    """When a form about a visit opens: in its last minutes, or once it is over."""

    IN_VISIT = "in-visit"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class AskedForm:
    """A form as a schedule knows it: `url` is its canonical without version, `items` are its linkIds."""

    url: str
    instrument: str
    rater: Rater
    items: frozenset[str]

    def covers(self, other: "AskedForm") -> bool:
        """Whether who answers this form has answered the other one, too."""
        same = (self.instrument, self.rater) == (other.instrument, other.rater)
        return same and self.items >= other.items


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A form, and when it is asked."""

    form: AskedForm
    when: Advice


@dataclass(frozen=True, kw_only=True)
class VisitFilter:
    """Which visits count: by the codes of `Encounter.type` and `class`, and of what its practitioner is there as.

    Of `kinds` and `roles` one has to be there, unless they are empty; of `not_kinds` and `not_roles` none may be.
    """

    kinds: frozenset[str] = frozenset()
    not_kinds: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    not_roles: frozenset[str] = frozenset()

    def admits(self, kinds: frozenset[str], roles: frozenset[str]) -> bool:
        """Whether a visit of these codes counts."""
        wanted = (not self.kinds or kinds & self.kinds) and (not self.roles or roles & self.roles)
        return bool(wanted) and not (kinds & self.not_kinds or roles & self.not_roles)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A site's schedule; a form stays open for `window` after the visit, and opens `last_minutes` before its end."""

    rules: tuple[Rule, ...]
    only: VisitFilter = VisitFilter()
    asking: Asking = Asking.IN_VISIT
    last_minutes: timedelta = timedelta(minutes=15)
    window: timedelta = timedelta(hours=48)

    def opens(self, start: datetime, end: datetime | None) -> datetime:
        """Return when a form about a visit may be asked: never before the visit; without an end, from its start."""
        if end is None or end <= start:
            return start
        return end if self.asking is Asking.AFTER else max(start, end - self.last_minutes)

    def closes(self, start: datetime, end: datetime | None) -> datetime:
        """Return from when on a form about a visit is not asked any more."""
        return max(start, end or start) + self.window


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
