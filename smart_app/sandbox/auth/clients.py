"""Which registered app is calling, and its proof: a signed assertion, a secret, or for public apps just the name."""

import json
import secrets
from collections.abc import Mapping
from typing import cast
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, KeySetSerialization
from werkzeug.datastructures import Authorization

from smart_app.sandbox.auth.endpoints import Endpoints
from smart_app.sandbox.auth.grants import ASSERTION_SECONDS, Grants
from smart_app.sandbox.config import SandboxClient, SandboxConfig

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384")  # SMART App Launch 2.2, asymmetric authentication
_CLOCK_SKEW = 60


class Clients:
    """The registered apps."""

    def __init__(self, config: SandboxConfig, grants: Grants) -> None:
        endpoints = Endpoints(config)
        self._audiences = [endpoints.token, endpoints.issuer]
        self._grants = grants
        self._registered = {client.client_id: client for client in config.clients}
        self._keys = {
            client.client_id: KeySet.import_key_set(cast("KeySetSerialization", client.jwks))
            for client in config.clients
            if client.jwks is not None
        }

    def find(self, client_id: str) -> SandboxClient | None:
        """Return the app registered under `client_id`."""
        return self._registered.get(client_id)

    def authenticate(self, form: Mapping[str, str], authorization: str | None) -> SandboxClient:
        """Return the app that sent `form` and the Authorization header, or raise InvalidClientError.

        A public client names itself in `client_id`; a confidential one sends a client assertion (RFC 7523), or its id
        and secret by HTTP Basic (RFC 6749 section 2.3.1). Two proofs at once raise InvalidRequestError.
        """
        if "client_secret" in form:
            raise InvalidClientError("Send the client_secret by HTTP Basic, never in the body.")
        signed = "client_assertion" in form or "client_assertion_type" in form
        if signed and authorization is not None:
            raise InvalidRequestError("Authenticate in one way only.")
        if signed:
            return self._by_assertion(form)
        if authorization is not None:
            return self._by_secret(form, authorization)
        client = self.find(form.get("client_id", ""))
        if client is None or client.confidential:
            raise InvalidClientError("Unknown client, or a confidential client without its proof.")
        return client

    def _by_secret(self, form: Mapping[str, str], authorization: str) -> SandboxClient:
        sent = Authorization.from_header(authorization)
        if sent is None or sent.type != "basic":
            raise InvalidClientError("The Authorization header must be HTTP Basic.")
        # Each half is form-urlencoded before it becomes Basic (RFC 6749 section 2.3.1).
        client_id, secret = (unquote_plus(sent.parameters[name] or "") for name in ("username", "password"))
        client = self.find(client_id)
        registered = client.secret if client else None
        same = secrets.compare_digest(secret.encode(), (registered or "").encode())
        if client is None or registered is None or not same:
            raise InvalidClientError("The client id or secret is wrong, or the client is not registered for a secret.")
        if form.get("client_id", client_id) != client_id:
            raise InvalidClientError("client_id is not the one of the Authorization header.")
        return client

    def _by_assertion(self, form: Mapping[str, str]) -> SandboxClient:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidClientError(f"client_assertion_type must be {ASSERTION_TYPE}")
        assertion = form.get("client_assertion", "")
        try:
            client, key = self._claimed(assertion)
            token = jwt.decode(assertion, key, algorithms=ALGORITHMS)
            self._check_claims(token, client)
        except (JoseError, ValueError) as error:
            raise InvalidClientError("The client_assertion is not a valid JWT of a confidential client.") from error
        if form.get("client_id", client.client_id) != client.client_id:
            raise InvalidClientError("client_id is not the subject of the client_assertion.")
        return client

    def _claimed(self, assertion: str) -> tuple[SandboxClient, Key]:
        """Return the client an assertion says it comes from and its registered key; nothing is verified yet."""
        unverified = jws.extract_compact(assertion.encode())
        claims = json.loads(unverified.payload)
        subject = str(claims.get("sub")) if isinstance(claims, dict) else ""
        keys = self._keys.get(subject)
        kid = unverified.headers().get("kid")
        if keys is None or not kid:
            raise InvalidClientError("The client_assertion needs a kid, and a confidential client as its subject.")
        return self._registered[subject], keys.get_by_kid(kid)

    def _check_claims(self, token: jwt.Token, client: SandboxClient) -> None:
        now = int(self._grants.clock())
        jwt.JWTClaimsRegistry(
            now=now,
            leeway=_CLOCK_SKEW,
            iss={"essential": True, "value": client.client_id},
            sub={"essential": True, "value": client.client_id},
            aud={"essential": True, "values": self._audiences},
            exp={"essential": True},
            jti={"essential": True},
        ).validate(token.claims)
        if str(token.header.get("typ", "")).upper() != "JWT":
            raise InvalidClientError("The client_assertion needs the header typ JWT.")
        if not now < token.claims["exp"] <= now + ASSERTION_SECONDS:
            raise InvalidClientError("The client_assertion must expire within the next five minutes.")
        if not self._grants.first_use(client_id=client.client_id, jti=token.claims["jti"]):
            raise InvalidClientError("The jti of the client_assertion was used before.")
