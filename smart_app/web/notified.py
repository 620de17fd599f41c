"""Where EHRs tell of visits (spec row W08): checked and written down here, looked at in the background."""

from typing import Final

import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from fhir_alliance.errors import AllianceError
from smart_app.web.failures import request_id
from smart_app.web.services import services

bp = Blueprint("notified", __name__)

_MAX_BODY: Final = 256 * 1024
_BEARER: Final = "Bearer "
_log = structlog.get_logger(__name__)


@bp.post("/ehr-notify/<ehr>")
def take(ehr: str) -> ResponseReturnValue:
    """Take a handshake, a heartbeat or events; the body is read for who knows the secret only."""
    request.max_content_length = _MAX_BODY
    given = request.headers.get("Authorization", "")
    services().topics.take(ehr, given.removeprefix(_BEARER), request.get_data)
    return Response(status=200)


@bp.errorhandler(AllianceError)
def refuse(error: AllianceError) -> ResponseReturnValue:
    """Say by the status alone that nothing was done; what was sent is neither told nor logged."""
    _log.warning("notify.refused", code=error.code, detail=error.detail, request=request_id())
    return Response(status=error.http_status)


@bp.errorhandler(HTTPException)
def refuse_http(error: HTTPException) -> ResponseReturnValue:
    """Say by the status alone what Flask refused."""
    return Response(status=error.code or 500)
