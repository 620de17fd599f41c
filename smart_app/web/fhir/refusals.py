"""What the endpoint refuses, and how it says so: as an OperationOutcome, whatever went wrong."""

from http import HTTPStatus
from typing import Final

import orjson
from flask import Response, request
from werkzeug.exceptions import HTTPException

from fhir_alliance.errors import AllianceError

ROOT: Final = "/fhir"
FHIR_JSON: Final = "application/fhir+json"


class BadSearch(AllianceError):
    """A search that cannot be answered as it was asked."""

    code = "fhir.search"
    http_status = 400
    sentence = "This parameter, its modifier or its value is not supported here: GET /fhir/metadata says what is."


class NotKnown(AllianceError):
    """There is no such resource here, or it is not for whoever asks."""

    code = "fhir.unknown"
    http_status = 404
    sentence = "There is no such resource here: GET /fhir/metadata says what is served."


class NotAcceptable(AllianceError):
    """Another format than JSON was asked for."""

    code = "fhir.format"
    http_status = 406
    sentence = "Only JSON is served: ask for application/fhir+json."


class NoToken(AllianceError):
    """Records were asked for without a token that is good here."""

    code = "fhir.token"
    http_status = 401
    sentence = (
        "A token is needed that is good here: GET /fhir/.well-known/smart-configuration says where readers get one."
    )


class NotDecided(AllianceError):
    """The EHR does not say whether a token of its own is good."""

    code = "fhir.undecided"
    http_status = 503
    sentence = "The EHR does not say now whether this token is good: please try again in a minute."


class NotAllowed(AllianceError):
    """The token does not allow this."""

    code = "fhir.scope"
    http_status = 403
    sentence = "The scopes of this token do not allow this."


# What a bearer is told in WWW-Authenticate (RFC 6750).
_CHALLENGE: Final = {401: 'Bearer realm="FHIR", error="invalid_token"', 403: 'Bearer error="insufficient_scope"'}
# The issue type (a FHIR code) by status; every other refusal of a request is "invalid".
_ISSUE: Final = {
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    413: "too-long",
    429: "throttled",
    503: "transient",
}
# Sentences for what Flask refuses before a view of ours is asked.
_SAID: Final = {
    404: NotKnown.sentence,
    405: "This endpoint is read only: GET and HEAD are answered.",
    413: "The request is too large.",
    429: "Too many requests: wait for the seconds that Retry-After says.",
}
_WAIT: Final = 60
_LATER: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def is_ours() -> bool:
    """Whether the present request is one to the FHIR endpoint."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")


def outcome(error: AllianceError | HTTPException, *, reference: str) -> Response:
    """Return the answer to a request that failed; `reference` finds it in the log."""
    if isinstance(error, AllianceError):
        status, said = error.http_status, error.sentence
    else:
        status = error.code or 500
        said = _SAID.get(status, f"{HTTPStatus(status).phrase}.")
    issue = {
        "severity": "error",
        "code": _ISSUE.get(status, "invalid" if status < 500 else "exception"),
        "diagnostics": f"{said} For support: {reference}",
    }
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    response = Response(orjson.dumps(body), status=status, mimetype=FHIR_JSON)
    response.headers.update(_headers(error, status))
    return response


def _headers(error: AllianceError | HTTPException, status: int) -> dict[str, str]:
    allowed = getattr(error, "valid_methods", None)
    return {
        **({"Allow": ", ".join(sorted(allowed))} if allowed else {}),
        **({"WWW-Authenticate": _CHALLENGE[status]} if status in _CHALLENGE else {}),
        **({"Retry-After": str(_WAIT)} if status in _LATER else {}),
    }
