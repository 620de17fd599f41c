"""A therapist's own patients: due first, then the next visits, then by name; nobody is compared with anybody (P9)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fhir_alliance.delivery.entries import Entry
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.talks.reasons import OpenReason
from fhir_alliance.trajectory.seen import Look
from fhir_alliance.visits.standing import Assignment
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.notes import held_note
from smart_app.web.pages.words import When, birth_words, day, local_day, moment_words
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class OwnPatient:
    """One patient of a therapist before it is in words; `shown` is None where we do not keep a name any more.

    `asked` is what is due or will be, `stuck` what does not get into the chart, `last_sent` when a form was sent last;
    `is_open` says that the launch is about this one.
    """

    patient: str
    shown: PatientShown | None
    asked: tuple[Assignment, ...] = ()
    reasons: tuple[OpenReason, ...] = ()
    stuck: tuple[Entry, ...] = ()
    last_sent: datetime | None = None
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class OpenRow:
    """That there are open reasons of a level, how many, and the day of the newest; what they are, the chart shows.

    `level` is the words of `look`.
    """

    look: Look
    level: str
    count: int
    newest: When


@dataclass(frozen=True, kw_only=True)
class OwnRow:
    """One patient of the list; `due` can be answered now, `later` not yet, `stuck` says what is not in the chart."""

    name: str
    born: str
    mrn_tail: str
    is_open: bool
    due: tuple[str, ...]
    later: str
    reasons: tuple[OpenRow, ...]
    stuck: str
    last_sent: When | None


@dataclass(frozen=True, kw_only=True)
class MinePage:
    """The list; `nameless` counts patients whose names are not kept here, `known` says that we know whose list it is.

    `ehr` is where charts are opened: a launch is about one patient, and this page does not lead to another.
    """

    frame: Frame
    ehr: str
    known: bool
    rows: tuple[OwnRow, ...]
    nameless: int


def mine_page(
    frame: Frame,
    patients: Sequence[OwnPatient],
    *,
    title: Callable[[str], str],
    ehr: str,
    known: bool,
    now: datetime,
    today: date,
) -> MinePage:
    """Return the page; `title` names a form by its canonical."""
    named = sorted((each for each in patients if each.shown), key=lambda each: _place(each, now))
    return MinePage(
        frame=frame,
        ehr=ehr,
        known=known,
        rows=tuple(_row(each, each.shown, frame, title, now, today) for each in named if each.shown),
        nameless=len(patients) - len(named),
    )


def _place(each: OwnPatient, now: datetime) -> tuple[int, datetime, str, str]:
    """Return what the list is sorted by: what closes first, then what opens first, and otherwise names alone."""
    due = [form.closes for form in each.asked if form.opens <= now]
    later = [form.opens for form in each.asked if form.opens > now]
    name = each.shown.name.casefold() if each.shown else ""
    if due:
        return 0, min(due), name, each.patient
    return (1, min(later), name, each.patient) if later else (2, now, name, each.patient)


def _row(
    each: OwnPatient, shown: PatientShown, frame: Frame, title: Callable[[str], str], now: datetime, today: date
) -> OwnRow:
    zone = frame.site.time_zone
    due = sorted((form for form in each.asked if form.opens <= now), key=lambda form: (form.closes, form.id))
    later = min((form.opens for form in each.asked if form.opens > now), default=None)
    return OwnRow(
        name=shown.name,
        born=birth_words(shown.birth_date) if shown.birth_date else "",
        mrn_tail=shown.identifiers[0][1][-4:] if shown.identifiers else "",
        is_open=each.is_open,
        due=tuple(
            say("%(form)s, until %(when)s", form=title(form.form), when=moment_words(form.closes, zone, today=today))
            for form in due
        ),
        later=moment_words(later, zone, today=today) if later else "",
        reasons=tuple(_open_rows(each.reasons, frame, today)),
        stuck=held_note([say(entry.reason.told) for entry in each.stuck]),
        last_sent=day(local_day(each.last_sent, zone), today=today) if each.last_sent else None,
    )


def _open_rows(reasons: Sequence[OpenReason], frame: Frame, today: date) -> list[OpenRow]:
    """Return the open reasons by level, the higher one first."""
    rows = []
    for look in reversed(Look):
        days = [local_day(each.since, frame.site.time_zone) for each in reasons if each.look is look]
        if days:
            rows.append(OpenRow(look=look, level=say(look), count=len(days), newest=day(max(days), today=today)))
    return rows
