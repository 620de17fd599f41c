"""The authorization server as a Flask blueprint: discovery, authorize, token, keys and style."""

from authlib.oauth2.rfc6749 import InvalidClientError, OAuth2Error
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from smart_app.sandbox.auth.brands import brand_bundle
from smart_app.sandbox.auth.clients import Clients
from smart_app.sandbox.auth.endpoints import Endpoints, openid_configuration, smart_configuration
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.auth.keys import SigningKey
from smart_app.sandbox.auth.pages import AuthorizePages
from smart_app.sandbox.auth.tokens import TokenEndpoint
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.store import ResourceStore

STYLE = {
    "color_background": "#f6f4ee",
    "color_error": "#8a241b",
    "color_highlight": "#1a4e74",
    "color_modal_backdrop": "#00000080",
    "color_success": "#2c6e49",
    "color_text": "#22313f",
    "dim_border_radius": "4px",
    "dim_font_size": "16px",
    "dim_spacing_size": "16px",
    "font_family_body": "Georgia, serif",
    "font_family_heading": "Georgia, serif",
}
_PAGES = ("sandbox_auth.authorize", "sandbox_auth.answer")  # for a person's browser; the others are for apps


def blueprint(config: SandboxConfig, store: ResourceStore, grants: Grants) -> Blueprint:
    """Return the blueprint with every route of the authorization server, absolute: register it without a prefix."""
    key = SigningKey()
    clients = Clients(config, grants)
    pages = AuthorizePages(config, store, grants, clients)
    tokens = TokenEndpoint(config, grants, clients, key)
    server = Blueprint("sandbox_auth", __name__)
    server.add_url_rule("/auth/authorize", "authorize", pages.authorize, methods=["GET", "POST"])
    server.add_url_rule("/auth/answer", "answer", pages.answer, methods=["POST"])
    server.add_url_rule("/auth/token", "token", tokens.token, methods=["POST"])
    server.add_url_rule("/auth/introspect", "introspect", tokens.introspect, methods=["POST"])
    server.add_url_rule("/auth/revoke", "revoke", tokens.revoke, methods=["POST"])
    _publish(server, config, key)
    server.register_error_handler(OAuth2Error, _oauth_error)
    server.register_error_handler(InvalidClientError, _unauthenticated)
    server.after_request(_headers)
    return server


def _publish(server: Blueprint, config: SandboxConfig, key: SigningKey) -> None:
    """Add the documents anybody may read."""
    endpoints = Endpoints(config)
    documents: dict[str, dict[str, object]] = {
        "/fhir/.well-known/smart-configuration": smart_configuration(endpoints),
        "/fhir/.well-known/openid-configuration": openid_configuration(endpoints),
        "/auth/jwks": key.jwks(),
        "/auth/smart-style.json": dict(STYLE),
        "/auth/brands.json": brand_bundle(config),
    }
    for path, document in documents.items():
        name = path.rpartition("/")[2].partition(".")[0]
        server.add_url_rule(path, name, lambda document=document: _document(document))


def _document(document: dict[str, object]) -> Response:
    """Answer with a document and its ETag, or that it is still the one the caller has (RFC 9110 section 13)."""
    response = jsonify(document)
    response.add_etag()
    response.make_conditional(request)
    return response


def _oauth_error(error: OAuth2Error) -> ResponseReturnValue:
    return jsonify(dict(error.get_body())), error.status_code


def _unauthenticated(error: InvalidClientError) -> ResponseReturnValue:
    """Answer 401 with the scheme to use (RFC 6749 section 5.2, RFC 7662 section 2.3)."""
    return jsonify(dict(error.get_body())), 401, {"WWW-Authenticate": 'Basic realm="clients", charset="UTF-8"'}


def _headers(response: Response) -> Response:
    """Keep answers out of caches and referrers, pages out of foreign frames; let browser apps call the rest."""
    document = request.method == "GET" and request.endpoint not in _PAGES
    response.headers["Cache-Control"] = "max-age=60" if document else "no-store"
    response.headers["Pragma"] = "no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint in _PAGES:
        response.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
    else:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Accept, Authorization, Content-Type"
    return response
