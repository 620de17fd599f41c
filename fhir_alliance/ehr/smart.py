"""The second step of a SMART App Launch, and what follows from it: code for tokens, new tokens for old ones."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from fhir_alliance.ehr.backend import ask_for_token, proof
from fhir_alliance.ehr.context import Context, read_context
from fhir_alliance.ehr.identity import User, verify_id_token
from fhir_alliance.ehr.launches import Granted, PendingLaunch, client_of
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.tokens import Tokens, error_code, read_tokens
from fhir_alliance.errors import (
    AuthorizationRefused,
    FhirError,
    InvalidIdToken,
    StateMismatch,
)
from fhir_alliance.settings import ClientSettings, EhrSettings

Refreshed = Tokens

_OPAQUE = re.compile(r"[ -~]{1,4096}")  # `code` belongs to the EHR: passed on unaltered, or not at all


def wants_wider_scopes(ehr: EhrSettings, pending: PendingLaunch, args: Mapping[str, str]) -> bool:
    """Return whether the EHR refused the scopes and a second try with unfiltered write scopes may help (S33).

    Raises StateMismatch when the answer does not belong to this launch.
    """
    _check_state(ehr, pending, args)
    return args.get("error") == "invalid_scope" and "?" in pending.scopes and not pending.widened


def finish_launch(
    registry: Registry, ehr: EhrSettings, pending: PendingLaunch, args: Mapping[str, str], *, now: datetime
) -> Granted:
    """Exchange the code in the callback's query for tokens, and check all that came with them.

    `pending` must have been found through the browser's cookie and used up before. Raises StateMismatch or
    AuthorizationRefused before any request; after it AuthorizationRefused, InvalidIdToken, LaunchError when the context
    names no FHIR id, EhrError when the token response is odd or none came.
    """
    code = _code(ehr, pending, args)
    client = client_of(ehr, pending.role)
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


def revoke(registry: Registry, ehr: EhrSettings, client: ClientSettings, token: str, *, now: datetime) -> None:
    """Tell the EHR that a token is no longer needed (RFC 7009, S30); nothing happens where it does not offer that.

    Raises FhirError when the EHR refuses, EhrError when no usable answer came.
    """
    if ehr.revocation_endpoint is None:
        return
    who = proof(client, ehr, now=now)
    form = {"token": token, **who.form}
    reply = registry.door(ehr).request("POST", ehr.revocation_endpoint, form=form, headers=who.headers)
    if not reply.ok:
        raise FhirError(reply.status, "revocation")


def _code(ehr: EhrSettings, pending: PendingLaunch, args: Mapping[str, str]) -> str:
    """Return the code of a callback that belongs to this launch."""
    _check_state(ehr, pending, args)
    if "error" in args:
        raise AuthorizationRefused(error_code(args))
    code = args.get("code", "")
    if not _OPAQUE.fullmatch(code):
        raise AuthorizationRefused("no code")
    return code


def _check_state(ehr: EhrSettings, pending: PendingLaunch, args: Mapping[str, str]) -> None:
    """Refuse another launch's answer; nothing else in it counts before the state does."""
    same_state = hmac.compare_digest(args.get("state", "").encode(errors="replace"), pending.state.encode())
    if not same_state or pending.ehr != ehr.name:
        raise StateMismatch
    if args.get("iss", None if pending.names_itself else ehr.issuer) != ehr.issuer:  # RFC 9207: another server (T16)
        raise StateMismatch("issuer")


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
        app_context=context.app_context,
    )
