"""The definitions that anybody may read: by id, and by the canonical URL that responses and codes name."""

import re
from typing import Final

from flask import Blueprint
from flask.typing import ResponseReturnValue

from fhir_alliance.conformance.facade import DEFINITIONS, instance_statement
from fhir_alliance.conformance.searching import found
from fhir_alliance.conformance.site import Served
from smart_app.web.fhir.asking import check_format, read_search
from smart_app.web.fhir.refusals import ROOT, BadSearch, NotKnown
from smart_app.web.fhir.replies import base_url, reply, searchset
from smart_app.web.frames import today
from smart_app.web.headers import allow_caching
from smart_app.web.services import services

bp = Blueprint("fhir", __name__, url_prefix=ROOT)
bp.before_request(check_format)

# A licence may end and a form be retired: after an hour a reader asks again, and mostly hears 304.
_SECONDS: Final = 3600
_KIND: Final = f"<any({','.join(DEFINITIONS)}):kind>"
_PLACE: Final = re.compile(r"[0-9]{1,6}")


@bp.get("/metadata")
def metadata() -> ResponseReturnValue:
    """Say what is offered here."""
    allow_caching(_SECONDS)
    settings = services().settings
    statement = instance_statement(
        _served().edition, base=base_url(), site=settings.site.name, records=bool(settings.readers)
    )
    return reply(statement)


@bp.get(f"/{_KIND}")
def search(kind: str) -> ResponseReturnValue:
    """Find definitions of one type."""
    asked = read_search(DEFINITIONS[kind].searches)
    if asked.page and not _PLACE.fullmatch(asked.page):
        raise BadSearch("_page")
    matches = found(_served().by_type.get(kind, ()), asked.criteria)
    start = int(asked.page or 0)
    end = start + asked.count
    more = str(end) if asked.count and end < len(matches) else ""
    allow_caching(_SECONDS)
    return reply(searchset(asked, kind, matches[start:end], base=base_url(), total=len(matches), next_page=more))


@bp.get(f"/{_KIND}/<id>")
def read(kind: str, id: str) -> ResponseReturnValue:  # noqa: A002  # FHIR's own word
    """Return one definition."""
    for each in _served().by_type.get(kind, ()):
        if each["id"] == id:
            allow_caching(_SECONDS)
            return reply(each)
    raise NotKnown(kind)


def _served() -> Served:
    return services().library.on(today())
