"""What the pages of a patient's link show: making one, the link itself, and the door that the birth date opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from fhir_alliance.visits.links import Standing
from smart_app.web.layout.qr import QrCode, lay_out_modules
from smart_app.web.pages.chart import Offer
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import When, moment_words
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class LinkRow:
    """One link that was made; it can be taken back while it is `live`."""

    id: str
    form: str
    made: str
    until: str
    standing: Standing

    @property
    def live(self) -> bool:
        """Whether it can be opened."""
        return self.standing in (Standing.WAITING, Standing.BEGUN)


@dataclass(frozen=True, kw_only=True)
class LinksPage:
    """Where a clinician makes a link; `passes_on` says that the site can send it, `at_age` what comes before one."""

    frame: Frame
    offers: tuple[Offer, ...]
    passes_on: bool
    hours: int
    rows: tuple[LinkRow, ...]
    at_age: str = ""


@dataclass(frozen=True, kw_only=True)
class LinkMadePage:
    """A new link, to copy or to print; `passed_on` says whether the site's messaging took it, None if nobody asked."""

    frame: Frame
    form_title: str
    url: str
    qr: QrCode
    until: str
    passed_on: bool | None


class Typed(NamedTuple):
    """A birth date as it was typed."""

    day: str = ""
    month: str = ""
    year: str = ""


NOTHING_TYPED: Final = Typed()


@dataclass(frozen=True, kw_only=True)
class LinkStartPage:
    """The door of a link: nothing about anybody."""

    frame: Frame
    action: str
    until: str
    typed: Typed = NOTHING_TYPED
    problem: str = ""


def link_made_page(
    *,
    frame: Frame,
    form_title: str,
    url: str,
    modules: Sequence[Sequence[bool | int]],
    expires_at: datetime,
    today: date,
    passed_on: bool | None,
) -> LinkMadePage:
    """Return the page; `modules` is the QR matrix of `url` without its quiet zone."""
    return LinkMadePage(
        frame=frame,
        form_title=form_title,
        url=url,
        qr=lay_out_modules(modules),
        until=moment_words(expires_at, frame.site.time_zone, today=today),
        passed_on=passed_on,
    )


def mismatch_words(tries_left: int) -> str:
    """Return what somebody is told whose birth date is not the one in the record."""
    if tries_left == 1:
        return say("That is not the birth date we have. You can try one more time.")
    return say("That is not the birth date we have. You can try %(number)s more times.", number=tries_left)


def locked_note(made: When) -> str:
    """Return what the clinician is told of a link that was closed."""
    return say(
        "A link that was made on %(day)s was closed: a wrong birth date was typed too often. "
        "Somebody else may have it. Make a new one, if it is still needed.",
        day=made.text,
    )
