"""Where one patient's forms are: what is not in the chart yet and why, and what has come into it."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from fhir_alliance.delivery.entries import Entry
from fhir_alliance.delivery.reason_table import Again, Who
from fhir_alliance.delivery.receipts import Kind, State
from fhir_alliance.harvest.book import Refused
from fhir_alliance.sentences import marked
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import When, capital, hour_words, local_day, relative_day
from smart_app.web.saying import say

STATES: Final[Mapping[State, str]] = {
    State.ACCEPTED: marked("on its way"),
    State.LEASED: marked("being sent"),
    State.UNKNOWN: marked("sent, not found in the chart yet"),
    State.HELD: marked("waits for somebody"),
    State.REJECTED: marked("not taken by the health record"),
    State.DELIVERED: marked("in the chart"),
    State.REPLACED: marked("not sent"),
}
TAKEN_BACK: Final = marked("taken back")
KEPT: Final = marked("kept here")
# Of a withdrawal that waits for nothing but the health record.
_GOES_IN: Final = marked("it goes to the chart when the health record can be reached")
# What became of a form that came into the chart before another version of it did.
_OVERTAKEN: Final[Mapping[Kind, str]] = {
    Kind.AMENDMENT: marked("it no longer counts: changed answers took its place"),
    Kind.WITHDRAWAL: marked("it no longer counts: it was taken back"),
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A day and the time of that day at the site."""

    day: When
    clock: str


@dataclass(frozen=True, kw_only=True)
class SentRow:
    """One form; `why` and `todo` are empty where there is nothing to say. `open` says that it may be taken back."""

    key: str
    title: str
    sent: Moment
    state: str
    since: Moment
    why: str
    todo: str
    open: bool


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A form that was filled in with another program, and is not scored."""

    response: str
    found: Moment
    why: str
    todo: str


@dataclass(frozen=True, kw_only=True)
class DeliveryPage:
    """A patient's forms, newest first: `waiting` are not in the chart, `done` are, or stay here by design.

    `refused` came into the chart from other programs, and are not scored.
    """

    frame: Frame
    waiting: tuple[SentRow, ...]
    done: tuple[SentRow, ...]
    refused: tuple[RefusedRow, ...]
    days: int


def delivery_page(
    frame: Frame,
    entries: Sequence[Entry],
    *,
    title: Callable[[str], str],
    days: int,
    today: date,
    still_open: Container[str] = (),
    refused: Sequence[Refused] = (),
) -> DeliveryPage:
    """Return the page; `title` names a form by its canonical, `days` is how far back what is done is listed.

    `still_open` are the keys of what this clinician may take back, `refused` what other programs wrote in vain.
    """
    later = _later(entries)
    rows = [
        (_is_done(each), _row(each, frame, title(each.form), today, still_open, later.get(each.key)))
        for each in entries
    ]
    return DeliveryPage(
        frame=frame,
        waiting=tuple(row for done, row in rows if not done),
        done=tuple(row for done, row in rows if done),
        refused=tuple(_refused(each, frame, today) for each in refused),
        days=days,
    )


def says_more(entry: Entry) -> bool:
    """Whether the reason says more than the state does, which is said before it."""
    return entry.state is not State.LEASED and (entry.state, entry.code) != (State.ACCEPTED, None)


def _is_done(entry: Entry) -> bool:
    return entry.state in (State.DELIVERED, State.REPLACED) or _stays(entry)


def _stays(entry: Entry) -> bool:
    return entry.state is State.HELD and entry.reason.again is Again.NEVER


def _later(entries: Sequence[Entry]) -> dict[str, Kind]:
    """Return by key what the last version in the chart is, for each that came there before; entries newest first."""
    last: dict[str, Entry] = {}
    found: dict[str, Kind] = {}
    for each in (one for one in entries if one.state is State.DELIVERED):
        newest = last.setdefault(each.form_key, each)
        if newest is not each:
            found[each.key] = newest.kind
    return found


def _row(
    entry: Entry, frame: Frame, title: str, today: date, still_open: Container[str], later: Kind | None
) -> SentRow:
    reason = entry.reason
    in_order = entry.state is State.DELIVERED and entry.code is None
    instead = _GOES_IN if _goes_in(entry) else _OVERTAKEN.get(later) if later else None
    silent = instead is None and (in_order or not says_more(entry))
    return SentRow(
        key=entry.key,
        title=title,
        sent=moment(entry.accepted_at, frame, today),
        state=capital(say(_label(entry))),
        since=moment(entry.since, frame, today),
        why="" if silent else f"{capital(say(instead or reason.told))}.",
        # What an administrator does is told to administrators: here the words say whom to tell.
        todo="" if in_order or reason.who is Who.ADMINISTRATOR else say(reason.todo),
        open=entry.key in still_open,
    )


def _refused(refused: Refused, frame: Frame, today: date) -> RefusedRow:
    reason = refused.reason
    return RefusedRow(
        response=refused.response,
        found=moment(refused.found_at, frame, today),
        why=f"{capital(say(reason.told))}.",
        todo="" if reason.who is Who.ADMINISTRATOR else say(reason.todo),
    )


def _goes_in(entry: Entry) -> bool:
    """Whether it takes a form back, and needs nobody to get into the chart."""
    moving = entry.state in (State.ACCEPTED, State.LEASED, State.UNKNOWN)
    return entry.kind is Kind.WITHDRAWAL and moving and entry.reason.who is Who.NOBODY


def _label(entry: Entry) -> str:
    if entry.kind is Kind.WITHDRAWAL and (entry.state is State.DELIVERED or _goes_in(entry)):
        return TAKEN_BACK
    return KEPT if _stays(entry) else STATES[entry.state]


def moment(at: datetime, frame: Frame, today: date) -> Moment:
    """Return an instant as people at the site write it."""
    zone = frame.site.time_zone
    return Moment(day=relative_day(local_day(at, zone), today=today), clock=hour_words(at, zone))
