"""The page on which a clinician says what is agreed with a patient about being asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.sentences import marked
from fhir_alliance.visits.wishes import Wish
from smart_app.web.pages.frame import Frame
from smart_app.web.saying import say

NO_DAY = marked("Choose a day from today on, within a year.")


@dataclass(frozen=True, kw_only=True)
class WishesPage:
    """What is chosen now, `asked` being planned, pause or never; `first` and `last` are the days a pause may end on.

    `reminds` says that this site reminds at all; `forms` are canonical, title and whether it is not asked; `declined`
    that one was answered with "not today" at this visit.
    """

    frame: Frame
    asked: str
    until: str
    schedule: str
    schedules: tuple[str, ...]
    reminds: bool
    unreminded: bool
    forms: tuple[tuple[str, str, bool], ...]
    declined: bool
    first: str
    last: str
    problem: str


def wishes_page(
    frame: Frame,
    wish: Wish,
    *,
    schedules: Sequence[str],
    forms: Mapping[str, str],
    declined: bool,
    reminds: bool,
    first: date,
    last: date,
    pausing: bool,
) -> WishesPage:
    """Return the page; `pausing` says that a pause was asked for without a day that can be meant.

    A pause that is over is not shown any more.
    """
    paused = wish.pause is not None and wish.pause.last >= first
    return WishesPage(
        frame=frame,
        asked="never" if wish.never else "pause" if paused or pausing else "planned",
        until=wish.pause.last.isoformat() if wish.pause and paused else "",
        schedule=wish.schedule,
        schedules=tuple(schedules),
        reminds=reminds or wish.unreminded,
        unreminded=wish.unreminded,
        forms=tuple((url, title, url in wish.unasked) for url, title in forms.items()),
        declined=declined,
        first=first.isoformat(),
        last=last.isoformat(),
        problem=say(NO_DAY) if pausing else "",
    )
