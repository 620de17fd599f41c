"""Times as FHIR writes them and as people read them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A FHIR date, dateTime or instant; `at` is None when only a year or month is known, or nothing at all."""

    text: str
    at: datetime | None
    has_time: bool

    @property
    def day(self) -> str:
        """The day in words, such as "Tue 12 Nov 2026", as seen where it was written down."""
        return day_words(self.at.date()) if self.at else self.text or "no date"

    @property
    def time(self) -> str:
        """The time of day, such as "09:48"; empty when there is none."""
        return f"{self.at:%H:%M}" if self.at and self.has_time else ""

    @property
    def order(self) -> float:
        """Seconds for sorting; what has no day comes before everything else."""
        if self.at is None:
            return float("-inf")
        return (self.at if self.at.tzinfo else self.at.replace(tzinfo=UTC)).timestamp()

    def is_on(self, day: date) -> bool:
        """Return whether it falls on `day`."""
        return self.at is not None and self.at.date() == day


def read_moment(text: str | None) -> Moment:
    """Read a FHIR date, dateTime or instant; what cannot be read keeps its text."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        at = None
    return Moment(text=text or "", at=at, has_time="T" in (text or ""))


def day_words(day: date) -> str:
    """Return a day in words: "Tue 12 Nov 2026"."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def years_between(born: date, today: date) -> int:
    """Return the age in full years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
