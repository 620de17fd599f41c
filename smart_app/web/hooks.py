"""CDS Hooks 2.0: what services there are, their cards, and what clinicians did with them (spec rows C01-C09)."""

from functools import partial
from typing import Any, Final

import structlog
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from fhir_alliance.cards.asking import BadHook, Hook
from fhir_alliance.cards.desk import Call
from fhir_alliance.errors import AllianceError, ReaderRefused
from smart_app.web.failures import request_id
from smart_app.web.headers import allow_caching
from smart_app.web.services import services

ROOT: Final = "/cds-services"
bp = Blueprint("hooks", __name__, url_prefix=ROOT)
_log = structlog.get_logger(__name__)

_MAX_BODY: Final = 1024 * 1024  # what an EHR sends along, though we ask for nothing
_SECONDS: Final = 3600
_BEARER: Final = "bearer "
_UNPROVEN: Final = (
    "The call is not accepted: the JWT of the CDS client is missing, its key or its claims are not those of a client "
    "that is registered here, or it was used before."
)
_ABOUT: Final = {
    Hook.PATIENT_VIEW: (
        "Visit ratings when a chart is opened",
        "Says when a form about the visit is due, for the patient or the therapist, with a link that opens it.",
    ),
    Hook.ENCOUNTER_START: (
        "Visit ratings when a visit begins",
        "Has the visit looked at, and says when a form about it is due, with a link that opens it.",
    ),
    Hook.APPOINTMENT_BOOK: (
        "Visit ratings when a visit is booked",
        "Says while a visit is booked what is due of earlier ones, with a link that opens it.",
    ),
}


class NoService(AllianceError):
    """There is no such service here."""

    code = "cards.service"
    http_status = 404
    sentence = f"There is no such service: GET {ROOT} says what there is."


@bp.get("")
def discover() -> ResponseReturnValue:
    """Say what services there are: the same to everybody, nothing of a site (C01, C07)."""
    if not services().desk.callers.any:
        raise NoService("nobody may ask")
    allow_caching(_SECONDS)
    return jsonify(services=[_described(hook, *about) for hook, about in _ABOUT.items()])


@bp.post("/<service>")
def cards(service: str) -> ResponseReturnValue:
    """Return the cards for an open chart; an empty list whenever we could not say in time (T82)."""
    call = _call(service)
    try:
        found = services().card_budget.run(partial(services().desk.cards, call))
    except (BadHook, ReaderRefused):
        raise
    except Exception as error:  # whatever is wrong here, the chart must open
        code = error.code if isinstance(error, AllianceError) else type(error).__name__
        _log.error("cards.failed", code=code, service=call.hook.value, request=request_id())
        found = []
    return jsonify(cards=found)


@bp.post("/<service>/feedback")
def feedback(service: str) -> ResponseReturnValue:
    """Keep what became of cards; the same again changes nothing (C08)."""
    call = _call(service, "/feedback")
    services().card_budget.run(partial(services().desk.take_feedback, call))
    return Response(status=200)


@bp.errorhandler(AllianceError)
def refuse(error: AllianceError) -> ResponseReturnValue:
    """Say in JSON why a call is not answered; what it held is neither told nor logged."""
    _log.warning("cards.refused", code=error.code, detail=error.detail, request=request_id())
    unproven = isinstance(error, ReaderRefused)
    message = _UNPROVEN if unproven else error.sentence
    response = jsonify(error=error.code, message=message, reference=request_id())
    response.status_code = error.http_status
    if unproven:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@bp.errorhandler(HTTPException)
def refuse_http(error: HTTPException) -> ResponseReturnValue:
    """Say in JSON what Flask refused."""
    response = jsonify(error=f"http.{error.code}", message=error.name, reference=request_id())
    response.status_code = error.code or 500
    return response


@bp.after_request
def allow_browsers(response: Response) -> Response:
    """Let pages of the origins that a site has named read the answer (C09); to others nothing is said."""
    origin = request.headers.get("Origin", "")
    if origin in services().desk.callers.browser_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    return response


def _described(hook: Hook, title: str, description: str) -> dict[str, Any]:
    return {"hook": hook.value, "id": hook.value, "title": title, "description": description}


def _call(service: str, more: str = "") -> Call:
    """Return the call as it came; NoService or ReaderRefused before anything is read."""
    if service not in tuple(Hook) or not services().desk.callers.any:
        raise NoService("unknown service")
    given = request.headers.get("Authorization", "")
    if not given.lower().startswith(_BEARER):
        raise ReaderRefused("assertion: none")
    request.max_content_length = _MAX_BODY
    return Call(
        hook=Hook(service),
        token=given[len(_BEARER) :].strip(),
        address=f"{services().settings.public_url}{ROOT}/{service}{more}",
        body=request.get_data(),
        request_id=request_id(),
    )
