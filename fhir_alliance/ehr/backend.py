"""What the app says at a token endpoint: who it is, proven by a signature, and that it works on its own."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.tokens import error_code, read_tokens, token_values
from fhir_alliance.errors import EhrUnreachable, FhirError, InvalidSettings, SignInNeeded
from fhir_alliance.settings import ClientSettings, EhrSettings
from fhir_alliance.strict_json import strict_json

ASSERTION_SECONDS: Final = 240
"""Life of a client assertion: at most 300 s are allowed (SMART App Launch 2.2), and clocks drift."""

_ALGORITHMS = {"RSA": "RS384", "P-384": "ES384"}  # by curve, else by key type
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, kw_only=True)
class BackendToken:
    """An access token of a backend service; there is no refresh token, ask again early."""

    access_token: str = field(repr=False)
    expires_at: datetime
    scopes: frozenset[str]


def client_assertion(client: ClientSettings, *, audience: str, now: datetime) -> str:
    """Sign a JWT that proves we are `client` to the token endpoint `audience`; each call has its own `jti`.

    The key file holds one private JWK (RSA, or EC on P-384) with a `kid`; raises InvalidSettings otherwise.
    """
    if client.key_file is None:
        raise InvalidSettings([f"client {client.client_id}: has no key_file to sign with"])
    key, algorithm = _signing_key(client.key_file)
    issued = int(now.timestamp())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(32),
        "iat": issued,
        "exp": issued + ASSERTION_SECONDS,
    }
    return jwt.encode({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[algorithm])


def authenticated(client: ClientSettings, ehr: EhrSettings, *, now: datetime) -> dict[str, str]:
    """Return the form fields that say who asks: an assertion, or of a public client its `client_id` (S21, S23)."""
    if client.key_file is None:
        return {"client_id": client.client_id}
    assertion = client_assertion(client, audience=ehr.token_endpoint, now=now)
    return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}


def ask_for_token(
    registry: Registry, ehr: EhrSettings, client: ClientSettings, form: Mapping[str, str], *, now: datetime
) -> Mapping[str, Any]:
    """Send a grant to the pinned token endpoint; return the values of its answer, not yet checked.

    Raises FhirError with the OAuth error code as its detail when the server refuses (SignInNeeded when the grant itself
    is no longer accepted), EhrUnreachable when it does not answer as a token endpoint does.
    """
    fields = {**form, **authenticated(client, ehr, now=now)}
    reply = registry.door(ehr).request("POST", ehr.token_endpoint, form=fields)
    if reply.ok:
        return token_values(reply)
    try:
        code = error_code(reply.json())
    except EhrUnreachable:
        code = ""
    refusal = SignInNeeded if code == "invalid_grant" else FhirError
    raise refusal(reply.status, code, retry_after=reply.headers.get("Retry-After"))


def backend_token(
    registry: Registry, ehr: EhrSettings, client: ClientSettings, scope: str, *, now: datetime
) -> BackendToken:
    """Get an access token for `system/` scopes by client credentials (SMART Backend Services 2.2).

    Raises FhirError when the server refuses, EhrError when its answer is odd; scopes it left out are those asked for.
    """
    values = ask_for_token(registry, ehr, client, {"grant_type": "client_credentials", "scope": scope}, now=now)
    tokens = read_tokens(values, now=now)
    scopes = frozenset(scope.split()) if tokens.scopes is None else tokens.scopes
    return BackendToken(access_token=tokens.access_token, expires_at=tokens.expires_at, scopes=scopes)


def _signing_key(path: Path) -> tuple[RSAKey | ECKey, str]:
    try:
        key = import_key(strict_json(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, JoseError):
        raise InvalidSettings([f"{path.name}: is not a readable JWK"]) from None
    algorithm = _ALGORITHMS.get(str(key.get("crv", key.key_type)))
    if not isinstance(key, RSAKey | ECKey) or algorithm is None or not key.is_private or not key.kid:
        raise InvalidSettings([f"{path.name}: must be a private JWK, RSA or EC P-384, with a kid"])
    if key.get("alg", algorithm) != algorithm:
        raise InvalidSettings([f"{path.name}: alg must be {algorithm}"])
    return key, algorithm
