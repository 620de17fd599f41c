"""The SMART App Launch handshake: two steps with a value between them."""

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from fhir_alliance.ehr.addresses import same_address
from fhir_alliance.ehr.backend import ask_for_token
from fhir_alliance.ehr.context import Context, read_context
from fhir_alliance.ehr.identity import User, verify_id_token
from fhir_alliance.ehr.launches import Granted, Kind, PendingLaunch, Role
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.tokens import Tokens, error_code, read_tokens
from fhir_alliance.errors import (
    AuthorizationRefused,
    FhirError,
    InvalidIdToken,
    LaunchError,
    StateMismatch,
    UnknownIssuer,
)
from fhir_alliance.settings import ClientSettings, EhrSettings

__all__ = ["Granted", "PendingLaunch", "Refreshed", "begin_launch", "finish_launch", "refresh"]

Refreshed = Tokens

_OPAQUE = re.compile(r"[ -~]{1,4096}")  # `launch` and `code` belong to the EHR: passed on unaltered, or not at all
_LAUNCH_SCOPES = {"ehr": "launch", "standalone": "launch/patient"}


def begin_launch(
    ehr: EhrSettings, *, role: Role, redirect_uri: str, aud: str, launch: str | None, online: bool = True
) -> tuple[str, PendingLaunch]:
    """Return the authorize URL to send the browser to, and what to remember until it comes back.

    `aud` is the `iss` that was received, verbatim; `launch` is None for a standalone launch. PKCE is always S256
    (SMART App Launch 2.2). Without `online` the EHR does not offer `online_access`, so it is not asked for.

    Raises UnknownIssuer when `aud` is not this EHR, LaunchError when it has no such client.
    """
    if not same_address(aud, ehr.fhir_base):
        raise UnknownIssuer
    if launch is not None and not _OPAQUE.fullmatch(launch):
        raise LaunchError("launch parameter")
    client, kind = _client(ehr, role), _kind(launch)
    pending = PendingLaunch(
        ehr=ehr.name,
        role=role,
        kind=kind,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect_uri=redirect_uri,
        scopes=_scopes(client, kind, online=online),
    )
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": pending.scopes,
        "state": pending.state,
        "nonce": pending.nonce,
        "aud": aud,
        "code_challenge": create_s256_code_challenge(pending.verifier),
        "code_challenge_method": "S256",
        **({} if launch is None else {"launch": launch}),
    }
    return f"{ehr.authorization_endpoint}?{urlencode(query, quote_via=quote)}", pending


def finish_launch(
    registry: Registry, ehr: EhrSettings, pending: PendingLaunch, args: Mapping[str, str], *, now: datetime
) -> Granted:
    """Exchange the code in the callback's query for tokens, and check all that came with them.

    `pending` must have been found through the browser's cookie and used up before. Raises StateMismatch or
    AuthorizationRefused before any request; after it AuthorizationRefused, InvalidIdToken, LaunchError when the context
    names no FHIR id, EhrError when the token response is odd or none came.
    """
    code = _code(ehr, pending, args)
    client = _client(ehr, pending.role)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.verifier,
    }
    try:
        values = ask_for_token(registry, ehr, client, form, now=now)
    except FhirError as error:
        if error.status >= 500:
            raise
        raise AuthorizationRefused(error.detail) from None
    tokens, context = read_tokens(values, now=now), read_context(values)
    user = _user(registry, ehr, pending, client, values, now=now)
    return _granted(tokens, context, user, asked=pending.scopes)


def refresh(
    registry: Registry, ehr: EhrSettings, client: ClientSettings, refresh_token: str, *, now: datetime
) -> Refreshed:
    """Exchange a refresh token; a new one in the answer replaces the old one. One refresh at a time per grant.

    No scope is sent, so all that was granted is kept (L06); `scopes` is None when the server says nothing about it.
    Raises SignInNeeded when the refresh token is no longer accepted, FhirError for other refusals, EhrError when the
    answer is odd or none came.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return read_tokens(ask_for_token(registry, ehr, client, form, now=now), now=now)


def _client(ehr: EhrSettings, role: Role) -> ClientSettings:
    client = {"clinician": ehr.clinician, "patient": ehr.patient}[role]
    if client is None:
        raise LaunchError(f"no {role} client is registered")
    return client


def _kind(launch: str | None) -> Kind:
    return "standalone" if launch is None else "ehr"


def _scopes(client: ClientSettings, kind: Kind, *, online: bool) -> str:
    """Return the client's scopes with the one launch scope that fits the kind of launch (S11)."""
    left_out = {*_LAUNCH_SCOPES.values(), *(() if online else ("online_access",))}
    others = [scope for scope in client.scopes.split() if scope not in left_out]
    return " ".join([_LAUNCH_SCOPES[kind], *others])


def _code(ehr: EhrSettings, pending: PendingLaunch, args: Mapping[str, str]) -> str:
    """Return the code of a callback that belongs to this launch; nothing else in it counts before the state does."""
    same_state = hmac.compare_digest(args.get("state", "").encode(errors="replace"), pending.state.encode())
    if not same_state or pending.ehr != ehr.name:
        raise StateMismatch
    if args.get("iss", ehr.issuer) != ehr.issuer:  # RFC 9207: another server answered (T16)
        raise StateMismatch("issuer")
    if "error" in args:
        raise AuthorizationRefused(error_code(args))
    code = args.get("code", "")
    if not _OPAQUE.fullmatch(code):
        raise AuthorizationRefused("no code")
    return code


def _user(
    registry: Registry,
    ehr: EhrSettings,
    pending: PendingLaunch,
    client: ClientSettings,
    values: Mapping[str, Any],
    *,
    now: datetime,
) -> User:
    id_token = values.get("id_token")
    if not isinstance(id_token, str):
        raise InvalidIdToken("id_token: missing")
    return verify_id_token(
        id_token,
        ehr=ehr,
        client_id=client.client_id,
        nonce=pending.nonce,
        keys=partial(registry.jwks, ehr),
        now=now,
        access_token=values["access_token"],
    )


def _granted(tokens: Tokens, context: Context, user: User, *, asked: str) -> Granted:
    return Granted(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at,
        scopes=frozenset(asked.split()) if tokens.scopes is None else tokens.scopes,
        user=user,
        patient=context.patient,
        encounter=context.encounter,
        need_patient_banner=context.need_patient_banner,
        style_url=context.style_url,
        intent=context.intent,
        fhir_context=context.fhir_context,
    )
