"""Which registered app is calling, and its proof: public by name, confidential by private_key_jwt (RFC 7523)."""

import json
from collections.abc import Mapping
from typing import cast

from authlib.oauth2.rfc6749 import InvalidClientError
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, KeySetSerialization

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

    def authenticate(self, form: Mapping[str, str]) -> SandboxClient:
        """Return the app that sent `form`, or raise InvalidClientError.

        A public client names itself in `client_id`; a confidential one sends a client assertion.
        """
        if "client_assertion" in form or "client_assertion_type" in form:
            return self._by_assertion(form)
        client = self.find(form.get("client_id", ""))
        if client is None or client.jwks is not None:
            raise InvalidClientError("Unknown client, or a confidential client without a client_assertion.")
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
