"""The FHIR REST surface: tokens, formats and headers around the interactions."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from time import monotonic

import orjson
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.access import TokenCheck, allowed
from smart_app.sandbox.fhir.bundles import pending, process_bundle
from smart_app.sandbox.fhir.capability import capability_statement
from smart_app.sandbox.fhir.interactions import Call, Interactions
from smart_app.sandbox.fhir.outcomes import FhirProblem, MethodNotAllowed, NotAcceptable, Unauthorized, UnsupportedMedia
from smart_app.sandbox.fhir.review import Review
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.fhir.strict import parse_resource
from smart_app.sandbox.fhir.terms import Resource
from smart_app.sandbox.fhir.topics import Topics, number
from smart_app.sandbox.fhir.versions import etag

MAX_BODY = 2**20
"""Bytes a request body may have."""

_FORMATS = ("application/fhir+json", "application/json")
_ANSWERED = (*_FORMATS, "application/fhir+ndjson")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def blueprint(
    store: ResourceStore,
    config: SandboxConfig,
    check_token: TokenCheck,
    *,
    topics: Topics | None = None,
    clock: Callable[[], float] = monotonic,
) -> Blueprint:
    """Return the FHIR server of a store, to be registered below `/fhir`; `check_token` decides who may do what."""
    server = Interactions(store, config.fhir_base, config.allowed)
    review = Review(store, seconds=config.review_seconds, clock=clock) if config.allowed.reviews else None
    fhir = Blueprint("fhir", __name__)
    fhir.register_error_handler(FhirProblem, _problem)
    fhir.register_error_handler(HTTPException, _http_problem)
    fhir.after_request(_open_to_browser_apps)
    _add_operations(fhir, topics)

    @fhir.before_request
    def check_request() -> None:
        """Refuse what no view should see: wrong formats, and missing tokens but for /metadata and preflights."""
        request.max_content_length = MAX_BODY
        _check_accept()
        if request.endpoint != "fhir.metadata" and request.method != "OPTIONS":
            _authenticate(check_token)
        if review:
            review.admit()

    @fhir.get("/metadata")
    def metadata() -> Response:
        """Say what this server can do."""
        return _json(200, capability_statement(config))

    @fhir.route("", methods=_METHODS)
    @fhir.route("/", methods=_METHODS)
    def bundle() -> Response:
        """Carry out a batch or transaction."""
        return _bundle(server, review)

    @fhir.post("/<resource_type>/_search")
    def search(resource_type: str) -> Response:
        """Search with the parameters in the body."""
        return _searched(server, resource_type)

    @fhir.route("/<path:path>", methods=_METHODS)
    def interaction(path: str) -> Response:
        """Create, read, update or search."""
        return _interacted(server, tuple(path.split("/")), review)

    return fhir


def _add_operations(fhir: Blueprint, topics: Topics | None) -> None:
    if topics is None:
        return

    @fhir.get("/Subscription/<name>/$events")
    def events(name: str) -> Response:
        """Tell again what a subscriber has missed."""
        allowed(g.access, "Subscription", "r")
        since, until = (number(request.args.get(f"events{each}Number")) for each in ("Since", "Until"))
        return _json(200, topics.events(name, since or 0, until))

    @fhir.get("/Subscription/<name>/$status")
    def subscription_status(name: str) -> Response:
        """Say how a Subscription is."""
        allowed(g.access, "Subscription", "r")
        return _json(200, topics.status(name))


def _open_to_browser_apps(response: Response) -> Response:
    """Let apps of other origins call, as a server of public clients has to (SMART App Launch 2.2)."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = (
        "Accept, Authorization, Content-Type, If-Match, If-None-Exist, Prefer"
    )
    response.headers["Access-Control-Expose-Headers"] = "Content-Location, ETag, Location"
    return response


def _bundle(server: Interactions, review: Review | None) -> Response:
    if request.method != "POST":
        raise MethodNotAllowed("post a batch or transaction Bundle here", headers={"Allow": "POST"})
    if not server.profile.bundles:
        raise MethodNotAllowed("batches and transactions are not offered here")
    access, body = g.access, _body()
    if review:
        return _json(200, pending(review.hold(lambda: process_bundle(server, access, deepcopy(body), show=False))))
    return _json(200, process_bundle(server, access, body, show=_preference("return") == "representation"))


def _searched(server: Interactions, resource_type: str) -> Response:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMedia("_search takes application/x-www-form-urlencoded")
    call = _call("GET", (resource_type,), [*request.args.items(multi=True), *request.form.items(multi=True)])
    return _performed(server, call)


def _interacted(server: Interactions, path: tuple[str, ...], review: Review | None) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    call = _call(method, path, list(request.args.items(multi=True)))
    server.check_offered(call)
    if method == "GET":
        return _performed(server, call)
    call = replace(call, resource=_body())
    if review is None:
        return _performed(server, call)
    access = g.access
    review.hold(lambda: server.perform(access, call))
    return Response(status=HTTPStatus.ACCEPTED)


def _call(method: str, path: tuple[str, ...], params: list[tuple[str, str]]) -> Call:
    return Call(
        method=method,
        path=path,
        params=tuple(pair for pair in params if pair[0] not in ("_format", "_pretty")),
        if_none_exist=request.headers.get("If-None-Exist"),
        if_match=request.headers.get("If-Match"),
        strict=_preference("handling") == "strict",
    )


def _performed(server: Interactions, call: Call) -> Response:
    reply = server.perform(g.access, call)
    shown = reply.shown and not (reply.written and _preference("return") == "minimal")
    response = _json(reply.status, reply.resource) if shown else Response(status=reply.status)
    meta = reply.resource.get("meta", {})
    if "versionId" in meta:
        response.headers["ETag"] = etag(reply.resource)
        response.last_modified = datetime.fromisoformat(meta["lastUpdated"])
    if reply.written:
        response.headers["Location"] = server.location(reply.resource)
    return response


def _authenticate(check_token: TokenCheck) -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthorized("send an access token", headers={"WWW-Authenticate": 'Bearer realm="fhir"'})
    access = check_token(token.strip())
    if access is None:
        challenge = 'Bearer realm="fhir", error="invalid_token"'
        raise Unauthorized("the access token is unknown or expired", headers={"WWW-Authenticate": challenge})
    g.access = access
    g.client_id = access.client_id


def _check_accept() -> None:
    wanted = request.args.get("_format", "json")
    accepted = request.accept_mimetypes
    if wanted not in ("json", *_FORMATS) or (accepted and not accepted.best_match(_ANSWERED)):
        raise NotAcceptable("this server speaks application/fhir+json only")


def _body() -> Resource:
    if request.mimetype not in _FORMATS:
        raise UnsupportedMedia("send application/fhir+json")
    return parse_resource(request.get_data())


def _preference(name: str) -> str | None:
    """Return a preference of the Prefer header (RFC 7240), which may come in several parts."""
    parts = ",".join(request.headers.getlist("Prefer")).replace(";", ",").split(",")
    return dict(part.strip().split("=", 1) for part in parts if "=" in part).get(name)


def _json(status: int, resource: Resource) -> Response:
    response = Response(orjson.dumps(resource), status=status, content_type="application/fhir+json; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _problem(problem: FhirProblem) -> Response:
    response = _json(problem.status, problem.outcome())
    response.headers.update(problem.headers)
    return response


def _http_problem(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    code = "too-long" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else "exception"
    issue = {"severity": "error", "code": code, "diagnostics": HTTPStatus(status).phrase}
    return _json(status, {"resourceType": "OperationOutcome", "issue": [issue]})
