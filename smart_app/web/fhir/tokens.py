"""Where readers get their tokens: SMART Backend Services 2.2, with an asymmetric key (spec rows S40-S45, S50)."""

import re
from typing import Any, Final

import structlog
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.conformance.facade import PROTECTED
from fhir_alliance.ehr.scopes import Interaction, allows
from fhir_alliance.errors import ReaderRefused
from fhir_alliance.readers.assertions import ALGORITHMS, Proven, verify_assertion
from fhir_alliance.readers.tokens import LIFE
from fhir_alliance.settings import ReaderSettings
from fhir_alliance.store import transaction
from smart_app.web.failures import request_id
from smart_app.web.fhir.auditing import note
from smart_app.web.fhir.refusals import ROOT
from smart_app.web.fhir.replies import base_url
from smart_app.web.headers import allow_caching
from smart_app.web.services import services

bp = Blueprint("fhir_tokens", __name__, url_prefix=ROOT)
_log = structlog.get_logger(__name__)

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPE: Final = re.compile(rf"system/({'|'.join(PROTECTED)})\.(rs|r|s|read)")
_LETTERS: Final[dict[str, tuple[Interaction, ...]]] = {"r": ("r",), "s": ("s",), "rs": ("r", "s"), "read": ("r", "s")}
_SECONDS: Final = 3600


@bp.get("/.well-known/smart-configuration")
def smart_configuration() -> ResponseReturnValue:
    """Say where and how a reader gets a token."""
    allow_caching(_SECONDS)
    return jsonify(
        token_endpoint=_endpoint(),
        token_endpoint_auth_methods_supported=["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=list(ALGORITHMS),
        grant_types_supported=["client_credentials"],
        scopes_supported=[f"system/{kind}.rs" for kind in PROTECTED],
        capabilities=["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    )


@bp.post("/auth/token")
def token() -> ResponseReturnValue:
    """Give a reader a token for the scopes that it asked for and that it is registered with."""
    fault = _fault()
    if fault:
        return _refuse(*fault)
    try:
        proven = _proven()
        scopes = _granted(request.form["scope"].split(), proven.reader)
        if not scopes:
            return _refuse("invalid_scope", "None of these scopes is registered for this client.", proven.reader)
        return _issue(proven, scopes)
    except ReaderRefused as error:
        _log.warning("reader.refused", code=error.code, detail=error.detail, request=request_id())
        return _refuse("invalid_client", error.sentence)


def _fault() -> tuple[str, str] | None:
    """Return what is wrong with the form before anybody has proven anything."""
    form = request.form
    if any(len(values) > 1 for _, values in form.lists()) or "Authorization" in request.headers:
        return "invalid_request", "Send each parameter once, and authenticate by client_assertion only."
    if form.get("grant_type") != "client_credentials":
        return "unsupported_grant_type", "Only client_credentials is supported."
    if not form.get("scope"):
        return "invalid_scope", "A scope is needed."
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        return "invalid_client", f"client_assertion_type must be {_ASSERTION_TYPE}"
    return None


def _proven() -> Proven:
    readers = {each.client_id: each for each in services().settings.readers.values()}
    return verify_assertion(
        request.form.get("client_assertion", ""),
        readers=readers,
        keys=services().reader_keys.of,
        audience=_endpoint(),
        now=services().clock(),
    )


def _granted(asked: list[str], reader: ReaderSettings) -> list[str]:
    """Return those of the asked scopes that the site has registered for this reader, each once."""
    matches = [(scope, match) for scope in dict.fromkeys(asked) if (match := _SCOPE.fullmatch(scope))]
    return [
        scope
        for scope, match in matches
        if all(allows(reader.scopes, match[1], letter, "system") for letter in _LETTERS[match[2]])
    ]


def _issue(proven: Proven, scopes: list[str]) -> Response:
    with transaction(services().engine) as connection:
        issued = services().reader_tokens.issue(connection, proven, scopes)
        note(connection, Event.READER_ADMITTED, actor=f"reader:{proven.reader.name}", ehr=proven.reader.ehr)
    return _answer(
        {
            "access_token": issued,
            "token_type": "bearer",
            "expires_in": int(LIFE.total_seconds()),
            "scope": " ".join(scopes),
        }
    )


def _refuse(error: str, description: str, reader: ReaderSettings | None = None) -> Response:
    """Answer as OAuth 2.0 has it (RFC 6749 section 5.2), and note the refusal."""
    actor, ehr = (f"reader:{reader.name}", reader.ehr) if reader else ("reader", "")
    with transaction(services().engine) as connection:
        note(connection, Event.READER_REFUSED, actor=actor, ehr=ehr, outcome=error)
    response = _answer({"error": error, "error_description": description})
    response.status_code = 401 if error == "invalid_client" else 400
    return response


def _answer(values: dict[str, Any]) -> Response:
    response = jsonify(values)
    response.headers["Pragma"] = "no-cache"
    return response


def _endpoint() -> str:
    return f"{base_url()}/auth/token"
