"""Who asks for records, and whether that is allowed."""

import re
from dataclasses import dataclass
from typing import Final

import structlog
from flask import request

from fhir_alliance.audit import Event
from fhir_alliance.ehr.scopes import Interaction, allows
from fhir_alliance.errors import AllianceError, EhrError
from fhir_alliance.readers.reach import Reach, reach
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction
from smart_app.web.fhir.auditing import note
from smart_app.web.fhir.refusals import NotAllowed, NotDecided, NotKnown, NoToken
from smart_app.web.services import services

_log = structlog.get_logger(__name__)
_BEARER: Final = re.compile(r"[!-~]{1,8192}")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who has proven to be somebody, the one EHR whose patients are asked about, and how many of them are seen."""

    actor: str
    ehr: EhrSettings
    reach: Reach


def admitted(kind: str, interaction: Interaction, *, ehr: str | None) -> Caller:
    """Return who asks; NoToken or NotAllowed, noted in the audit trail, when it may not.

    A reader holds a token of ours. Below the address of an `ehr` that the site takes tokens of, so that none is ever
    shown to another EHR, one of its own will do; NotKnown when there is no such address, NotDecided when the EHR does
    not say what a token is good for.
    """
    here = services().settings.ehrs.get(ehr) if ehr else None
    if ehr and (here is None or here.ehr_tokens is None):
        raise NotKnown("no such EHR")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not _BEARER.fullmatch(token):
        raise _noted(NoToken(), actor="reader", ehr=ehr or "")
    return _reader(token, kind, interaction, here) or _of_ehr(token, kind, interaction, here)


def _reader(token: str, kind: str, interaction: Interaction, here: EhrSettings | None) -> Caller | None:
    """Return the registered reader that holds a token; None when it is not one of ours."""
    held = services().reader_tokens.find(token)
    if held is None:
        return None
    reader = services().settings.readers.get(held.reader)
    if reader is None or (here and reader.ehr != here.name):
        raise _noted(NoToken(), actor="reader", ehr=here.name if here else "")
    actor = f"reader:{reader.name}"
    if not allows(held.scopes, kind, interaction, "system"):
        raise _noted(NotAllowed(kind), actor=actor, ehr=reader.ehr)
    return Caller(actor=actor, ehr=services().registry.by_name(reader.ehr), reach=Reach())


def _of_ehr(token: str, kind: str, interaction: Interaction, here: EhrSettings | None) -> Caller:
    """Return who holds a token of the EHR itself."""
    if here is None:
        raise _noted(NoToken(), actor="reader", ehr="")
    try:
        live = services().introspections.find(here, token)
    except EhrError as error:
        _log.warning("introspection.failed", ehr=here.name, code=error.code, detail=error.detail)
        raise _noted(NotDecided(error.code), actor="reader", ehr=here.name) from None
    if live is None:
        raise _noted(NoToken(), actor="reader", ehr=here.name)
    actor = f"client:{live.client_id} {live.user}".strip()
    allowed = reach(live, kind, interaction, here)
    if allowed is None:
        raise _noted(NotAllowed(kind), actor=actor, ehr=here.name)
    return Caller(actor=actor, ehr=here, reach=allowed)


def _noted(error: AllianceError, *, actor: str, ehr: str) -> AllianceError:
    with transaction(services().engine) as connection:
        note(connection, Event.RECORDS_REFUSED, actor=actor, ehr=ehr, outcome=error.code)
    return error
