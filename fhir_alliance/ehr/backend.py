"""What the app says at a token endpoint: who it is, with its proof, and that it works on its own."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from joserfc import jwt

from fhir_alliance.ehr.client_keys import signing_key
from fhir_alliance.ehr.clocks import clock_fault
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.tokens import error_code, read_tokens, token_values
from fhir_alliance.errors import ClockDiffers, EhrUnreachable, FhirError, InvalidSettings, SignInNeeded
from fhir_alliance.settings import ClientSettings, EhrSettings, client_secret

ASSERTION_SECONDS: Final = 240
_FAST_CLOCK: Final = 30
"""Life of a client assertion: at most 300 s are allowed (SMART App Launch 2.2), and clocks drift."""

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OF_THE_PROOF: Final = ("invalid_client", "invalid_request", "")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What goes along with a request to say who asks."""

    form: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class BackendToken:
    """An access token of a backend service; there is no refresh token, ask again early."""

    access_token: str = field(repr=False)
    expires_at: datetime
    scopes: frozenset[str]


def client_assertion(client: ClientSettings, *, audience: str, now: datetime) -> str:
    """Sign a JWT that proves we are `client` to the token endpoint `audience`; each call has its own `jti`.

    It is issued, and valid, from a little before now, so that a clock that is slightly fast is no reason to refuse it;
    `nbf` is what Epic asks for (spec row S44).
    Raises InvalidSettings when no key of its file can be used now.
    """
    if client.key_file is None:
        raise InvalidSettings([f"client {client.client_id}: has no key_file to sign with"])
    key, algorithm = signing_key(client.key_file, now=now)
    issued = int(now.timestamp()) - _FAST_CLOCK
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(32),
        "iat": issued,
        "nbf": issued,
        "exp": issued + ASSERTION_SECONDS,
    }
    return jwt.encode({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[algorithm])


def proof(client: ClientSettings, ehr: EhrSettings, *, now: datetime) -> Proof:
    """Return what says who asks: an assertion (S23), HTTP Basic (S22), or of a public client its `client_id` (S21).

    Raises InvalidSettings when the key or the secret is not to be had.
    """
    if client.key_file is not None:
        assertion = client_assertion(client, audience=ehr.token_endpoint, now=now)
        return Proof(form={"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion})
    secret = client_secret(client)
    if secret is None:
        return Proof(form={"client_id": client.client_id})
    basic = base64.b64encode(f"{client.client_id}:{secret}".encode("ascii")).decode()
    return Proof(form={}, headers={"Authorization": f"Basic {basic}"})


def ask_for_token(
    registry: Registry, ehr: EhrSettings, client: ClientSettings, form: Mapping[str, str], *, now: datetime
) -> Mapping[str, Any]:
    """Send a grant to the pinned token endpoint; return the values of its answer, not yet checked.

    Raises FhirError with the OAuth error code as its detail when the server refuses (SignInNeeded when the grant itself
    is no longer accepted), ClockDiffers when it refuses a proof and its clock is not ours, EhrUnreachable when it does
    not answer as a token endpoint does.
    """
    who = proof(client, ehr, now=now)
    reply = registry.door(ehr).request("POST", ehr.token_endpoint, form={**form, **who.form}, headers=who.headers)
    if fault := clock_fault(reply.headers, now=now):
        _log.warning("ehr.clock", code=ClockDiffers.code, ehr=ehr.name, detail=fault)
    if reply.ok:
        return token_values(reply)
    try:
        code = error_code(reply.json())
    except EhrUnreachable:
        code = ""
    if fault and client.key_file is not None and reply.status < 500 and code in _OF_THE_PROOF:
        raise ClockDiffers(fault)
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
