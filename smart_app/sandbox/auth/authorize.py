"""The authorization request: which client asks for what, and the checks before anybody is asked (RFC 6749, SMART)."""

import re
from dataclasses import dataclass

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import (
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedResponseTypeError,
)
from werkzeug.datastructures import MultiDict

from smart_app.sandbox.auth.clients import Clients
from smart_app.sandbox.auth.context import Launch
from smart_app.sandbox.auth.scopes import REFRESH, negotiate, parse
from smart_app.sandbox.config import SandboxClient

IDENTITY = ("openid", "fhirUser")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256, RFC 7636


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """A checked authorization request; `launch` is the value of an EHR launch, None for a standalone one."""

    client: SandboxClient
    redirect_uri: str
    state: str
    scope: str
    code_challenge: str
    nonce: str | None = None
    launch: str | None = None

    @property
    def wants_patient(self) -> bool:
        """Return whether a standalone launch needs a patient in context."""
        resources = [parse(scope) for scope in self.scope.split()]
        return "launch/patient" in self.scope.split() or any(part and part.level == "patient" for part in resources)

    def grantable(self, launch: Launch) -> tuple[str, ...]:
        """Return the scopes this request is granted in `launch`: registered, and right for the kind of launch."""
        refresh = REFRESH if "refresh_token" in self.client.grant_types else ()
        kind = "launch" if self.launch else "launch/patient"
        levels = ("patient", "user") if launch.patient else ("user",)
        return negotiate(self.scope, self.client.scopes, special=(*IDENTITY, *refresh, kind), levels=levels)


class UntrustedClientError(Exception):
    """The client or its redirect URI is not registered: show a page, never redirect (RFC 6749 section 4.1.2.1)."""

    code = "untrusted-client"


def callback(redirect_uri: str, **params: str) -> str:
    """Return the client's redirect URI with the parameters of the answer added to its query."""
    return str(add_params_to_uri(redirect_uri, list(params.items())))


def find_client(values: MultiDict[str, str], clients: Clients) -> tuple[SandboxClient, str]:
    """Return the client and its redirect URI, byte for byte as registered; raise UntrustedClientError otherwise."""
    told_once = all(len(values.getlist(name)) == 1 for name in ("client_id", "redirect_uri"))
    client = clients.find(values["client_id"]) if told_once else None
    if client is None or values["redirect_uri"] not in client.redirect_uris:
        raise UntrustedClientError
    return client, values["redirect_uri"]


def read_request(
    values: MultiDict[str, str], client: SandboxClient, redirect_uri: str, *, audience: str
) -> AuthorizationRequest:
    """Check the parameters of an authorization request whose client is known; raise an OAuth2Error to send back.

    `audience` is the FHIR base URL, which `aud` must equal exactly.
    """
    problem = next((error for wrong, error in _problems(values, client, audience) if wrong), None)
    if problem:
        raise problem
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        state=values["state"],
        scope=values["scope"],
        code_challenge=values["code_challenge"],
        nonce=values.get("nonce"),
        launch=values.get("launch"),
    )


def _problems(values: MultiDict[str, str], client: SandboxClient, audience: str) -> list[tuple[bool, OAuth2Error]]:
    """Return each rule of the authorization request as (broken, what to answer), in the order they are checked."""
    response_type = values.get("response_type", "")
    launching = "launch" in values
    return [
        (
            any(len(values.getlist(name)) > 1 for name in values),
            InvalidRequestError("A parameter was sent twice."),
        ),
        (
            "authorization_code" not in client.grant_types,
            UnauthorizedClientError("This client may not use the authorization code grant."),
        ),
        (not response_type, InvalidRequestError("response_type is missing.")),
        (response_type != "code", UnsupportedResponseTypeError("other", "Only response_type=code is supported.")),
        (not values.get("state"), InvalidRequestError("state is missing.")),
        (values.get("code_challenge_method") != "S256", InvalidRequestError("code_challenge_method must be S256.")),
        (
            not _CHALLENGE.fullmatch(values.get("code_challenge", "")),
            InvalidRequestError("code_challenge must be 43 characters of base64url."),
        ),
        (values.get("aud") != audience, InvalidRequestError("aud must be the FHIR base URL, exactly.")),
        (not values.get("scope"), InvalidScopeError("scope is missing.")),
        (
            launching and "launch" not in values.get("scope", "").split(),
            InvalidScopeError("An EHR launch needs the scope launch."),
        ),
    ]
