"""Answers and scores that a chart did not take, for readers and apps of that EHR (spec rows E02, rung 4, and S31)."""

import sys
from collections.abc import Iterable
from typing import Any, Final

from flask import Blueprint
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.conformance.facade import RECORDS
from fhir_alliance.delivery.shelf_search import Found, read_criteria, search_shelf
from fhir_alliance.records.kept import away_from
from fhir_alliance.store import transaction
from smart_app.web.fhir.asking import Asked, check_format, read_search
from smart_app.web.fhir.auditing import note
from smart_app.web.fhir.callers import Caller, admitted
from smart_app.web.fhir.refusals import ROOT, BadSearch, NotKnown
from smart_app.web.fhir.replies import base_url, reply, searchset
from smart_app.web.services import services

bp = Blueprint("fhir_records", __name__, url_prefix=ROOT)
bp.before_request(check_format)

_KIND: Final = f"<any({','.join(RECORDS)}):kind>"


@bp.get(f"/{_KIND}")
@bp.get(f"/ehr/<ehr>/{_KIND}")
def search(kind: str, ehr: str | None = None) -> ResponseReturnValue:
    """Find answers or scores; without a number that would have to be counted, unless all are on one page."""
    caller = admitted(kind, "s", ehr=ehr)
    asked = read_search(RECORDS[kind].searches)
    found, more = _search(caller, kind, asked)
    _note_read(caller, found)
    total = None if more or asked.page else len(found)
    shown = [_shown(caller, each) for each in found] if asked.count else []
    base = f"{base_url()}/ehr/{ehr}" if ehr else base_url()
    return reply(searchset(asked, kind, shown, base=base, total=total, next_page=more if asked.count else ""))


@bp.get(f"/{_KIND}/<id>")
@bp.get(f"/ehr/<ehr>/{_KIND}/<id>")
def read(kind: str, id: str, ehr: str | None = None) -> ResponseReturnValue:  # noqa: A002  # FHIR's own word
    """Return one response or Observation; what is not this caller's to see does not exist."""
    caller = admitted(kind, "r", ehr=ehr)
    found, _ = _search(caller, kind, Asked(criteria=(("_id", id),), count=1, page=""))
    _note_read(caller, found)
    # A comma would mean alternatives in a search.
    if not found or found[0].resource["id"] != id:
        raise NotKnown(kind)
    return reply(_shown(caller, found[0]))


def _search(caller: Caller, kind: str, asked: Asked) -> tuple[list[Found], str]:
    try:
        wanted = read_criteria(asked.criteria, fhir_base=caller.ehr.fhir_base)
        seen = wanted.within(patients=caller.reach.patients, raters=caller.reach.raters)
        return search_shelf(
            services().shelf,
            caller.ehr.name,
            seen,
            kind,
            asked.criteria,
            page=asked.page,
            count=asked.count or sys.maxsize,
        )
    except ValueError as error:
        raise BadSearch(str(error)) from None


def _shown(caller: Caller, found: Found) -> dict[str, Any]:
    changed = found.kept.accepted_at.isoformat(timespec="milliseconds")
    resource = away_from(dict(found.resource), fhir_base=caller.ehr.fhir_base)
    return {**resource, "meta": {**resource["meta"], "lastUpdated": changed}}


def _note_read(caller: Caller, found: Iterable[Found]) -> None:
    """Note whose records were read, one row for each patient; and that somebody looked, where there was nothing."""
    patients = sorted({each.kept.patient for each in found})
    with transaction(services().engine) as connection:
        for patient in patients:
            note(connection, Event.RECORDS_READ, actor=caller.actor, ehr=caller.ehr.name, patient=patient)
        if not patients:
            note(connection, Event.RECORDS_READ, actor=caller.actor, ehr=caller.ehr.name, outcome="nothing")
