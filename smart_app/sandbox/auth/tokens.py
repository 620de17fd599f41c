"""The token endpoint, and introspection (RFC 7662) and revocation (RFC 7009) beside it."""

from collections.abc import Mapping

from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from flask import g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from smart_app.sandbox.auth.clients import Clients
from smart_app.sandbox.auth.context import Issued, Launch, LiveToken
from smart_app.sandbox.auth.endpoints import Endpoints
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.auth.keys import SigningKey
from smart_app.sandbox.auth.scopes import negotiate
from smart_app.sandbox.config import SandboxClient, SandboxConfig


class TokenEndpoint:
    """Views of the endpoints that clients call directly: `token`, `introspect`, `revoke`."""

    def __init__(self, config: SandboxConfig, grants: Grants, clients: Clients, key: SigningKey) -> None:
        self._config = config
        self._endpoints = Endpoints(config)
        self._grants = grants
        self._clients = clients
        self._key = key
        self._exchanges = {
            "authorization_code": self._exchange_code,
            "refresh_token": self._exchange_refresh,
            "client_credentials": self._exchange_credentials,
        }

    def token(self) -> ResponseReturnValue:
        """Exchange what the client holds for an access token."""
        form = _told_once(request.form)
        kind = _required(form, "grant_type")
        if kind not in self._exchanges:
            raise UnsupportedGrantTypeError(kind)
        client = self._authenticated(form)
        if kind not in client.grant_types:
            raise UnauthorizedClientError("This client is not registered for this grant_type.")
        return jsonify(self._exchanges[kind](client, form))

    def introspect(self) -> ResponseReturnValue:
        """Tell an authenticated confidential client whether a token is live, and what it allows.

        A refresh token is live for its own client alone, and has no token_type: nobody may take it for a bearer token.
        """
        form = _told_once(request.form)
        client = self._authenticated(form)
        if not client.confidential:
            raise InvalidClientError("Introspection is for confidential clients.")
        token = _required(form, "token")
        if access := self._grants.live_token(token):
            return jsonify(self._about(access) | {"token_type": "Bearer"})
        refresh = self._grants.live_refresh_token(token, client_id=client.client_id)
        return jsonify(self._about(refresh) if refresh else {"active": False})

    def revoke(self) -> ResponseReturnValue:
        """Revoke the calling client's own token; an unknown one is fine."""
        form = _told_once(request.form)
        client = self._authenticated(form)
        self._grants.revoke(_required(form, "token"), client_id=client.client_id)
        return jsonify({})

    def _authenticated(self, form: Mapping[str, str]) -> SandboxClient:
        client = self._clients.authenticate(form, request.headers.get("Authorization"))
        g.client_id = client.client_id  # for the sandbox's log of calls
        return client

    def _exchange_code(self, client: SandboxClient, form: Mapping[str, str]) -> dict[str, object]:
        issued = self._grants.redeem_code(
            _required(form, "code"),
            client_id=client.client_id,
            redirect_uri=_required(form, "redirect_uri"),
            verifier=_required(form, "code_verifier"),
        )
        return self._with_identity(issued)

    def _exchange_refresh(self, client: SandboxClient, form: Mapping[str, str]) -> dict[str, object]:
        token = _required(form, "refresh_token")
        return self._reply(self._grants.redeem_refresh(token, client_id=client.client_id, scope=form.get("scope")))

    def _exchange_credentials(self, client: SandboxClient, form: Mapping[str, str]) -> dict[str, object]:
        if client.jwks is None:
            raise UnauthorizedClientError("client_credentials needs private_key_jwt.")
        scopes = negotiate(form.get("scope", ""), client.scopes, special=(), levels=("system",))
        if not scopes:
            raise InvalidScopeError("None of the requested system scopes is registered for this client.")
        return self._reply(self._grants.issue_for_backend(client_id=client.client_id, scopes=scopes))

    def _with_identity(self, issued: Issued) -> dict[str, object]:
        reply = self._reply(issued)
        launch = issued.grant.launch
        if launch and "openid" in issued.scopes:
            now = int(self._grants.clock())
            reply["id_token"] = self._key.id_token(issued.grant, self._config, user=launch.user, now=now)
        return reply

    def _reply(self, issued: Issued) -> dict[str, object]:
        reply: dict[str, object] = {
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": self._config.token_seconds,
            "scope": " ".join(issued.scopes),
        }
        if issued.refresh_token:
            reply["refresh_token"] = issued.refresh_token
        launch = issued.grant.launch
        return reply | _where(launch) | _how(launch, self._endpoints.style)

    def _about(self, live: LiveToken) -> dict[str, object]:
        about = {
            "active": True,
            "scope": " ".join(live.scopes),
            "client_id": live.grant.client_id,
            "exp": int(live.expires),
        }
        return about | _where(live.grant.launch) | self._who(live.grant.scopes, live.grant.launch)

    def _who(self, scopes: tuple[str, ...], launch: Launch | None) -> dict[str, object]:
        if launch is None or "openid" not in scopes:
            return {}
        identity: dict[str, object] = {"iss": self._endpoints.issuer, "sub": launch.user}
        if "fhirUser" in scopes:
            identity["fhirUser"] = f"{self._endpoints.issuer}/{launch.user}"
        return identity


def _where(launch: Launch | None) -> dict[str, object]:
    """Return the context of a launch that a token answer and an introspection both carry."""
    if launch is None:
        return {}
    context = {"patient": launch.patient, "encounter": launch.encounter, "intent": launch.intent}
    return {name: value for name, value in context.items() if value is not None}


def _how(launch: Launch | None, style_url: str) -> dict[str, object]:
    """Return the context of a launch that only the app itself needs, to look right."""
    if launch is None:
        return {}
    context: dict[str, object] = {"smart_style_url": style_url}
    if launch.patient:
        context["need_patient_banner"] = launch.need_patient_banner
    if launch.app_context is not None:
        context["appContext"] = launch.app_context
    if launch.fhir_context:
        context["fhirContext"] = [item if isinstance(item, str) else dict(item) for item in launch.fhir_context]
    return context


def _told_once(form: MultiDict[str, str]) -> dict[str, str]:
    """Return the form's fields; raise InvalidRequestError when one comes twice (RFC 6749 section 3.2)."""
    if any(len(form.getlist(name)) > 1 for name in form):
        raise InvalidRequestError("A parameter was sent twice.")
    return form.to_dict()


def _required(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise InvalidRequestError(f"{name} is missing.")
    return form[name]
