"""The public keys of our clients, where authorization servers fetch them (SMART App Launch 2.2, spec row S41)."""

from typing import Final

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from fhir_alliance.ehr.client_keys import published_keys
from smart_app.web.headers import allow_caching
from smart_app.web.services import services

bp = Blueprint("keys", __name__)

# Who rotates keys waits this long, and an hour more, before the new key signs.
_SECONDS: Final = 300


@bp.get("/.well-known/jwks.json")
def jwks() -> ResponseReturnValue:
    """Publish the keys as they are in their files now: a new one needs no restart."""
    keys = published_keys(services().settings.ehrs)
    allow_caching(_SECONDS)
    return jsonify(keys)
