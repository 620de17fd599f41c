"""The outbox of a site as text: states, times and attempts, no answers and no names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from fhir_alliance.delivery.answers import Answer, answers_of
from fhir_alliance.delivery.entries import Entries, Entry
from fhir_alliance.delivery.reason_table import EHR_CHANGED, Again
from fhir_alliance.delivery.releasing import Releasing
from fhir_alliance.delivery.restoring import doubt_everything
from fhir_alliance.settings import Settings
from fhir_alliance.store import open_store
from smart_app.catalogue_report import aligned
from smart_app.web.admissions import make_link
from smart_app.web.services import utc_now

_HEADINGS = ("key", "ehr", "state", "reason", "accepted", "tries", "next try")


@dataclass(frozen=True, kw_only=True)
class Counter:
    """What a command on the outbox works with."""

    entries: Entries
    releasing: Releasing
    zone: ZoneInfo


@contextmanager
def open_counter(site: Settings) -> Iterator[Counter]:
    """Open a site's outbox; StoreError when it cannot be read."""
    engine = open_store(site.database)
    try:
        releasing = Releasing(engine, site.ehrs, utc_now)
        yield Counter(entries=Entries(engine), releasing=releasing, zone=site.site.time_zone)
    finally:
        engine.dispose()


def table(found: tuple[Entry, ...], zone: ZoneInfo) -> Iterator[str]:
    """Yield the lines of a table, times in the site's zone; one line that says so where there is nothing."""
    rows = [_row(each, zone) for each in found]
    yield from aligned([_HEADINGS, *rows]) if rows else ["Nothing is listed: no form or filed page is as asked."]


def as_json(found: tuple[Entry, ...]) -> str:
    """Return the same as a JSON list, times in UTC, with what the reason means."""
    return orjson.dumps([_facts(each) for each in found], option=orjson.OPT_INDENT_2).decode()


def shown(counter: Counter, key: str) -> Iterator[str]:
    """Yield everything that is known of one form, every send, and who let it go on."""
    entry, zone = counter.entries.one(key), counter.zone
    yield from aligned(
        [
            ("key", entry.key),
            ("form", entry.form),
            ("EHR", f"{entry.ehr}, accepted for {entry.fhir_base or 'an address that was not noted'}"),
            ("patient", f"{entry.patient}, the EHR's own id"),
            ("rung", entry.rung.value),
            ("accepted", _time(entry.accepted_at, zone)),
            ("state", " ".join(filter(None, (entry.state.value, entry.code)))),
            ("since", _time(entry.since, zone)),
            ("next try", _time(entry.next_at, zone)),
            ("tries", str(entry.tries)),
        ]
    )
    sends = [
        (_time(each.at, zone), each.step, each.outcome, str(each.status or "–"))
        for each in counter.entries.attempts(key)
    ]
    table_of_sends = [("sent", "step", "outcome", "HTTP status"), *sends]
    # A try may end before anything leaves: without a permission, or while the EHR is left alone.
    yield from ("", *(aligned(table_of_sends) if sends else ["Nothing was sent yet."]))
    decided = [(_time(each.at, zone), each.what, each.by, each.said) for each in counter.entries.decisions(key)]
    if decided:
        yield from ("", *aligned([("let go on", "how", "by", "said"), *decided]))


def explained(counter: Counter, key: str) -> Iterator[str]:
    """Yield where one form is, why, what happens next and when, what a person can do, and each answer of the EHR."""
    entry, zone = counter.entries.one(key), counter.zone
    reason = entry.reason
    yield f"Where: {entry.state.value} since {_time(entry.since, zone)}; accepted {_time(entry.accepted_at, zone)}."
    yield f"Why:   {reason.words}."
    yield f"Next:  {_next(entry, zone)}"
    if reason.todo:
        yield f"To do: {reason.todo} Who: {reason.who.value}."
    if reason.again in (Again.RETRY, Again.RELEASE):
        said = " --reason REASON" if reason.again is Again.RELEASE else ""
        yield f"Then:  fhir-alliance outbox {reason.again.value} {entry.key} --by WHO{said}"
    if answers := answers_of(counter.entries.attempts(key)):
        yield from ("", "What the health record answered last:", *map(_answer, answers))


def addresses(counter: Counter, key: str) -> tuple[str, str] | None:
    """Return the address a form is bound to and the present one, when a person has to agree to the change."""
    entry = counter.entries.one(key)
    if entry.code != EHR_CHANGED:
        return None
    return entry.fhir_base or "", counter.releasing.present_base(entry)


def page_link(site: Settings, *, by: str) -> str:
    """Return a new one-time link to the administrator's page; StoreError when it cannot be written down."""
    engine = open_store(site.database)
    try:
        return f"{site.public_url}/admin/enter/{make_link(engine, name=by, at=utc_now())}"
    finally:
        engine.dispose()


def doubt_open(site: Settings, *, by: str) -> int:
    """Have everything that is not in the chart looked for before it is sent; returns how many forms that are."""
    engine = open_store(site.database)
    try:
        return doubt_everything(engine, by=by, at=utc_now())
    finally:
        engine.dispose()


def _answer(answer: Answer) -> str:
    status = f"HTTP {answer.status}" if answer.status else "no HTTP status"
    return f"  {answer.what}: {status}, {answer.reason.words}. {answer.reason.todo}"


def _next(entry: Entry, zone: ZoneInfo) -> str:
    if entry.next_at is not None:
        return f"it is tried again by itself, not before {_time(entry.next_at, zone)}."
    if entry.reason.again in (Again.RETRY, Again.RELEASE):
        return "nothing, until somebody acts."
    return "nothing: it stays where it is." if entry.reason.again is Again.NEVER else "it is tried again by itself."


def _row(entry: Entry, zone: ZoneInfo) -> tuple[str, ...]:
    accepted, next_at = _time(entry.accepted_at, zone), _time(entry.next_at, zone)
    return entry.key, entry.ehr, entry.state.value, entry.code or "–", accepted, str(entry.tries), next_at


def _facts(entry: Entry) -> dict[str, Any]:
    reason = entry.reason
    return {
        "key": entry.key,
        "ehr": entry.ehr,
        "form": entry.form,
        "rung": entry.rung,
        "state": entry.state,
        "reason": entry.code,
        "words": reason.words,
        "who": reason.who,
        "again": reason.again,
        "fault": reason.fault,
        "accepted_at": entry.accepted_at,
        "since": entry.since,
        "next_at": entry.next_at,
        "tries": entry.tries,
    }


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else "–"
