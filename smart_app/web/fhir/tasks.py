"""The forms that are asked about visits, as Tasks, for readers and apps of that EHR (spec rows W01 to W05)."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from flask import Blueprint
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.conformance.facade import ASSIGNED
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.kept import away_from
from fhir_alliance.records.task import build_task
from fhir_alliance.store import transaction
from fhir_alliance.tasks.asking import asked_form
from fhir_alliance.terms import ASSIGNMENT_IDENTIFIER
from smart_app.web.fhir import asking
from smart_app.web.fhir.asking import check_format, read_search
from smart_app.web.fhir.auditing import note
from smart_app.web.fhir.callers import Caller, admitted
from smart_app.web.fhir.refusals import ROOT, BadSearch, NotKnown
from smart_app.web.fhir.replies import base_url, reply, searchset
from smart_app.web.services import services

bp = Blueprint("fhir_tasks", __name__, url_prefix=ROOT)
bp.before_request(check_format)

_STATUS: Final = "http://hl7.org/fhir/task-status"
_PAGE: Final = re.compile(r"[0-9]{1,15}")
_AT_ONCE: Final = 500


@bp.get("/Task")
@bp.get("/ehr/<ehr>/Task")
def search(ehr: str | None = None) -> ResponseReturnValue:
    """Find forms that are asked."""
    caller = admitted("Task", "s", ehr=ehr)
    asked = read_search(ASSIGNED["Task"].searches)
    if asked.page and not _PAGE.fullmatch(asked.page):
        raise BadSearch("_page")
    # One more than asked for tells whether there is another page; without a number that would have to be counted.
    fitting = list(islice(_fitting(caller, asked), asked.count + 1 if asked.count else None))
    found = fitting[: asked.count] if asked.count else []
    more = found[-1]["id"] if len(fitting) > len(found) > 0 else ""
    _note_read(caller, found)
    total = None if more or asked.page else len(fitting)
    base = f"{base_url()}/ehr/{ehr}" if ehr else base_url()
    shown = [_away(caller, each) for each in found]
    return reply(searchset(asked, "Task", shown, base=base, total=total, next_page=more))


@bp.get("/Task/<id>")
@bp.get("/ehr/<ehr>/Task/<id>")
def read(id: str, ehr: str | None = None) -> ResponseReturnValue:  # noqa: A002  # FHIR's own word
    """Return one form that is asked; what is not this caller's to see does not exist."""
    caller = admitted("Task", "r", ehr=ehr)
    before = str(int(id) - 1) if _PAGE.fullmatch(id) and int(id) else ""
    wanted = asking.Asked(criteria=(("_id", id),), count=1, page=before)
    found = next(_fitting(caller, wanted), None) if before else None
    _note_read(caller, [found] if found else [])
    if found is None:
        raise NotKnown("Task")
    return reply(_away(caller, found))


def _fitting(caller: Caller, asked: asking.Asked) -> Iterator[dict[str, Any]]:
    """Yield the Tasks that this caller may see and that fit all criteria, from a page on."""
    wanted = [(name, value.split(",")) for name, value in asked.criteria]
    after, reach, now = int(asked.page or 0), caller.reach, services().clock()
    raters = tuple(Rater) if reach.raters is None else tuple(map(Rater, reach.raters))
    while True:
        rows = services().assignments.of_ehr(
            caller.ehr.name, patients=reach.patients, raters=raters, after=after, most=_AT_ONCE
        )
        for each in rows:
            task = build_task(asked_form(each, caller.ehr, site=services().settings.public_url, now=now))
            if all(any(_fits(caller, task, name, value) for value in values) for name, values in wanted):
                yield task
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].id


def _fits(caller: Caller, task: dict[str, Any], name: str, value: str) -> bool:
    match name:
        case "patient":
            return _is(caller, task["for"]["reference"], value)
        case "encounter":
            return _is(caller, task["encounter"]["reference"], value)
        case "status":
            system, bar, code = value.rpartition("|")
            return task["status"] == code and (not bar or system == _STATUS)
        case "identifier":
            system, bar, code = value.rpartition("|")
            value = task["identifier"][0]["value"]
            return bool(value == code) and (not bar or system == ASSIGNMENT_IDENTIFIER)
        case _:
            return bool(task["id"] == value)


def _is(caller: Caller, reference: str, value: str) -> bool:
    return value.removeprefix(f"{caller.ehr.fhir_base}/") in (reference, reference.partition("/")[2])


def _away(caller: Caller, task: dict[str, Any]) -> dict[str, Any]:
    return away_from(task, fhir_base=caller.ehr.fhir_base)


def _note_read(caller: Caller, found: Iterable[dict[str, Any]]) -> None:
    """Note whose forms were read, one row for each patient; and that somebody looked, where there was nothing."""
    patients = sorted({each["for"]["reference"].removeprefix("Patient/") for each in found})
    with transaction(services().engine) as connection:
        for patient in patients:
            note(connection, Event.RECORDS_READ, actor=caller.actor, ehr=caller.ehr.name, patient=patient)
        if not patients:
            note(connection, Event.RECORDS_READ, actor=caller.actor, ehr=caller.ehr.name, outcome="nothing")
