"""Every error becomes a page that says what happened, what is safe and what to do; the log gets its code."""

import secrets

import structlog
from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from fhir_alliance.audit import Event, record
from fhir_alliance.errors import (
    AllianceError,
    CsrfError,
    EhrUnreachable,
    HandoverError,
    LaunchError,
    LinkRefused,
    NotSent,
    NotSignedIn,
    StoreError,
    TabletRefused,
)
from fhir_alliance.store import transaction
from smart_app.web.fhir.refusals import is_ours, outcome
from smart_app.web.frames import plain_frame
from smart_app.web.limits import PERIOD
from smart_app.web.pages.message import Action, error_page
from smart_app.web.saying import say
from smart_app.web.services import services
from smart_app.web.young import RoomOnly

log = structlog.get_logger()


class NotFound(AllianceError):
    """There is no such page."""

    code = "page.none"
    http_status = 404
    title = "There is no such page"
    sentence = "The address may be mistyped or old. Nothing was lost; please open the app again from the health record."


class TooMany(AllianceError):
    """Too many tries in a short time."""

    code = "request.too-many"
    http_status = 429
    title = "Too many tries"
    sentence = "Please wait a minute, then try again."


class TooLarge(AllianceError):
    """More was sent than any form of ours can hold."""

    code = "request.too-large"
    http_status = 413
    title = "That was too much"
    sentence = "More was sent than this form can hold, so nothing was changed. Please go back and try again."


class BadRequest(AllianceError):
    """The request is not one that our pages make."""

    code = "request.bad"
    http_status = 400
    title = "This request could not be read"
    sentence = "Nothing was changed. Please go back and try again."


# Refusals that somebody may want to look into later.
_AUDITED: dict[type[AllianceError], Event] = {
    LaunchError: Event.LAUNCH_REFUSED,
    NotSignedIn: Event.ACCESS_REFUSED,
    CsrfError: Event.ACCESS_REFUSED,
    HandoverError: Event.HANDOVER_REFUSED,
    LinkRefused: Event.LINK_REFUSED,
    TabletRefused: Event.TABLET_REFUSED,
    RoomOnly: Event.ACCESS_REFUSED,
}
_BY_STATUS: dict[int, type[AllianceError]] = {404: NotFound, 405: NotFound, 413: TooLarge, 429: TooMany}


def request_id() -> str:
    """Return the id of this request: on the error page and in the log, so that support can find it."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(4)
    return str(g.request_id)


def register_failures(app: Flask) -> None:
    """Turn every exception of a request into a page."""
    app.register_error_handler(AllianceError, explain)
    app.register_error_handler(HTTPException, _explain_http)
    app.register_error_handler(Exception, _explain_unknown)


def explain(error: AllianceError, *, http: HTTPException | None = None) -> ResponseReturnValue:
    """Return the page, or the answer for a program, that an error becomes."""
    level = log.error if error.http_status >= 500 else log.warning
    level(
        "request.failed",
        code=error.code,
        detail=error.detail,
        status=error.http_status,
        route=str(request.url_rule),
        method=request.method,
        request=request_id(),
    )
    _audit(error)
    if is_ours():
        return outcome(http or error, reference=f"{error.code} {request_id()}")
    page = error_page(error, frame=plain_frame(), reference=request_id(), action=_again(error))
    wait = {"Retry-After": str(PERIOD)} if isinstance(error, TooMany) else {}
    return render_template("message.html", page=page), error.http_status, wait


def _again(error: AllianceError) -> Action | None:
    """Return the way back to a page of a launch that the EHR was too far away for."""
    away = isinstance(error, (EhrUnreachable, NotSent)) and "handle" in (request.view_args or {})
    return (
        Action(label=say("Try again"), url=request.full_path.rstrip("?")) if away and request.method == "GET" else None
    )


def _audit(error: AllianceError) -> None:
    """Note a refusal; a database that is down must not hide the page that explains it."""
    events = [event for kind, event in _AUDITED.items() if isinstance(error, kind)]
    try:
        with transaction(services().engine) as connection:
            for event in events:
                record(
                    connection,
                    at=services().clock(),
                    event=event,
                    actor="browser",
                    ehr=(request.view_args or {}).get("name", ""),
                    patient=None,
                    launch=None,
                    outcome=error.code,
                    request_id=request_id(),
                )
    except StoreError as refused:
        log.critical("audit.failed", code=refused.code, request=request_id())


def _explain_http(error: HTTPException) -> ResponseReturnValue:
    kind = _BY_STATUS.get(error.code or 500, BadRequest if (error.code or 500) < 500 else AllianceError)
    return explain(kind(f"HTTP {error.code}"), http=error)


def _explain_unknown(error: Exception) -> ResponseReturnValue:
    """Answer for a fault of ours: its kind and place go to the log, its message, which may quote data, does not."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return explain(AllianceError(f"{type(error).__name__} at {place}"))
