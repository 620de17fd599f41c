"""The first step of a SMART App Launch: what the browser takes to the EHR, and what we remember."""

import re
import secrets
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from fhir_alliance.ehr.addresses import same_address
from fhir_alliance.ehr.launches import Kind, PendingLaunch, Role, client_of
from fhir_alliance.ehr.offers import require_offered
from fhir_alliance.ehr.scopes import as_v1, without_write_filters
from fhir_alliance.errors import LaunchError, UnknownIssuer
from fhir_alliance.settings import ClientSettings, EhrSettings

LONGEST_URL: Final = 2000
"""Characters of an address that every browser and proxy takes; a longer request is posted where the EHR lets us."""

_OPAQUE = re.compile(r"[ -~]{1,4096}")  # `launch` belongs to the EHR: passed on unaltered, or not at all
_LAUNCH_SCOPES = {"ehr": "launch", "standalone": "launch/patient"}


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """A request that the browser takes to `endpoint`: as an address, or as a form when `by_post`."""

    endpoint: str
    fields: Mapping[str, str] = field(repr=False)
    by_post: bool

    @property
    def url(self) -> str:
        """The request as an address."""
        return f"{self.endpoint}?{urlencode(self.fields, quote_via=quote)}"


def begin_launch(
    ehr: EhrSettings,
    *,
    role: Role,
    redirect_uri: str,
    aud: str,
    launch: str | None,
    offers: Set[str],
    names_itself: bool = False,
    widened: bool = False,
) -> tuple[Authorization, PendingLaunch]:
    """Return what to send the browser to the EHR with, and what to remember until it comes back.

    `aud` is the `iss` that was received, verbatim; `launch` is None for a standalone launch; `offers` are the EHR's
    capabilities, and with `names_itself` its answer must hold `iss`. PKCE is always S256 (SMART App Launch 2.2). With
    `widened` write scopes are asked for whole.

    Raises UnknownIssuer when `aud` is not this EHR, LaunchError when it has no such client, NotOffered when the EHR
    states that it does not know such launches or clients.
    """
    if not same_address(aud, ehr.fhir_base):
        raise UnknownIssuer
    if launch is not None and not _OPAQUE.fullmatch(launch):
        raise LaunchError("launch parameter")
    client = client_of(ehr, role)
    kind: Kind = "standalone" if launch is None else "ehr"
    require_offered(offers, client, role=role, kind=kind)
    pending = PendingLaunch(
        ehr=ehr.name,
        role=role,
        kind=kind,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect_uri=redirect_uri,
        scopes=_scopes(client, kind, offers, widened=widened),
        aud=aud,
        launch=launch,
        widened=widened,
        names_itself=names_itself,
    )
    return _authorization(ehr, client, pending, offers), pending


def _authorization(ehr: EhrSettings, client: ClientSettings, pending: PendingLaunch, offers: Set[str]) -> Authorization:
    fields = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": pending.redirect_uri,
        "scope": pending.scopes,
        "state": pending.state,
        "nonce": pending.nonce,
        "aud": pending.aud,
        "code_challenge": create_s256_code_challenge(pending.verifier),
        "code_challenge_method": "S256",
        **({} if pending.launch is None else {"launch": pending.launch}),
    }
    by_get = Authorization(endpoint=ehr.authorization_endpoint, fields=fields, by_post=False)
    # S14: by GET wherever that works, because a posted request reaches the EHR without its own Lax cookies.
    long = "authorize-post" in offers and len(by_get.url) > LONGEST_URL
    return Authorization(endpoint=by_get.endpoint, fields=fields, by_post=long)


def _scopes(client: ClientSettings, kind: Kind, offers: Set[str], *, widened: bool) -> str:
    """Return the client's scopes with the one launch scope that fits (S11), in a grammar the EHR knows (S33)."""
    online = "permission-online" in offers  # S28: an EHR that does not offer it may refuse the whole request
    left_out = {*_LAUNCH_SCOPES.values(), *(() if online else ("online_access",))}
    others = [scope for scope in client.scopes.split() if scope not in left_out]
    if widened:
        others = without_write_filters(others)
    if "permission-v2" not in offers:
        others = as_v1(others)
    return " ".join([_LAUNCH_SCOPES[kind], *others])
