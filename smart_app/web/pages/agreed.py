"""What a patient and a clinician agreed to try, as both may read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fhir_alliance.talks.agreed import Agreement, Outcome
from smart_app.web.pages.words import When, capital, local_day, relative_day
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class Before:
    """What was agreed at an earlier visit, and how it went, empty until the two have looked at it again.

    `said` is the outcome in words.
    """

    key: str
    text: str
    day: When
    outcome: str
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """What is agreed at this visit, by id and in words, empty for nothing; what can be; and what was before.

    `outcomes` are value and words of how it can have gone.
    """

    choice: str = ""
    text: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    before: Before | None = None
    outcomes: tuple[tuple[str, str], ...] = ()


NOTHING_AGREED: Final = Agreed()
"""Where nothing is and nothing can be."""


def agreed_part(
    found: Sequence[Agreement], *, visit: str, choices: Mapping[str, str], zone: ZoneInfo, today: date
) -> Agreed:
    """Return what is shown out of the last agreements, newest first; `visit` is the one that is on now."""
    now = next((each for each in found if each.visit == visit), None)
    earlier = next((each for each in found if each.visit != visit), None)
    before = agreed_before([earlier] if earlier else [], zone=zone, today=today)
    return Agreed(
        choice=now.choice if now else "",
        text=say(now.text) if now else "",
        outcomes=tuple((each.value, capital(say(each))) for each in Outcome),
        choices=tuple(choices.items()),
        before=next(iter(before), None),
    )


def agreed_before(found: Sequence[Agreement], *, zone: ZoneInfo, today: date) -> tuple[Before, ...]:
    """Return agreements as they are read."""
    return tuple(
        Before(
            key=each.key,
            text=say(each.text),
            day=relative_day(local_day(each.at, zone), today=today),
            outcome=each.outcome or "",
            said=say(each.outcome) if each.outcome else "",
        )
        for each in found
    )
