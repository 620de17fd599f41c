"""Who asks for records, and whether that is allowed."""

from dataclasses import dataclass
from typing import Final

from flask import request

from fhir_alliance.audit import Event
from fhir_alliance.ehr.scopes import Interaction, allows
from fhir_alliance.errors import AllianceError
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction
from smart_app.web.fhir.auditing import note
from smart_app.web.fhir.refusals import NotAllowed, NoToken
from smart_app.web.services import services

_LONGEST: Final = 512


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A program that has proven who it is, and the one EHR whose patients it asks about."""

    actor: str
    ehr: EhrSettings


def admitted(kind: str, interaction: Interaction) -> Caller:
    """Return who asks; NoToken or NotAllowed, noted in the audit trail, when it may not."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    held = services().reader_tokens.find(token) if scheme.lower() == "bearer" and len(token) <= _LONGEST else None
    reader = services().settings.readers.get(held.reader) if held else None
    if held is None or reader is None:
        raise _noted(NoToken(), actor="reader", ehr="")
    actor = f"reader:{reader.name}"
    if not allows(held.scopes, kind, interaction, "system"):
        raise _noted(NotAllowed(kind), actor=actor, ehr=reader.ehr)
    return Caller(actor=actor, ehr=services().registry.by_name(reader.ehr))


def _noted(error: AllianceError, *, actor: str, ehr: str) -> AllianceError:
    with transaction(services().engine) as connection:
        note(connection, Event.RECORDS_REFUSED, actor=actor, ehr=ehr, outcome=error.code)
    return error
