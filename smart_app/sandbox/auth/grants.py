"""Launches, authorization codes, access and refresh tokens: in memory, thread safe, one process."""

import re
import secrets
import threading
import time
from collections.abc import Sequence

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from smart_app.sandbox.auth.context import FhirReference, Grant, Issued, Launch, LiveToken, PendingCode
from smart_app.sandbox.auth.scopes import REFRESH
from smart_app.sandbox.auth.vault import Clock, Vault
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.access import Access

LAUNCH_SECONDS = 300
CODE_SECONDS = 60
REFRESH_SECONDS = 8 * 3600
ASSERTION_SECONDS = 300  # the furthest a client assertion's `exp` may be ahead (SMART App Launch 2.2)
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636, section 4.1


class Grants:
    """Everything the authorization server has handed out and not yet forgotten."""

    def __init__(self, config: SandboxConfig, *, clock: Clock = time.time) -> None:
        self.clock = clock
        self._token_seconds = config.token_seconds
        self._lock = threading.RLock()  # redeeming is check and issue in one step
        self._launches: Vault[Launch] = Vault(clock)
        self._codes: Vault[PendingCode] = Vault(clock)
        self._access: Vault[LiveToken] = Vault(clock)
        self._refresh: Vault[LiveToken] = Vault(clock)
        self._spent: Vault[str] = Vault(clock)  # used code or refresh token -> family
        self._assertions: Vault[bool] = Vault(clock)

    def begin_launch(
        self,
        *,
        user: str,
        patient: str,
        encounter: str | None,
        need_patient_banner: bool = True,
        intent: str | None = None,
        fhir_context: Sequence[FhirReference] = (),
        app_context: str | None = None,
    ) -> str:
        """Return the opaque `launch` value for an EHR launch: good once, for five minutes.

        `user` is "Practitioner/id" or "Patient/id"; `patient` and `encounter` are bare ids.
        """
        launch = Launch(
            user=user,
            patient=patient,
            encounter=encounter,
            need_patient_banner=need_patient_banner,
            intent=intent,
            fhir_context=tuple(fhir_context),
            app_context=app_context,
        )
        return self._launches.put(launch, seconds=LAUNCH_SECONDS)

    def take_launch(self, value: str) -> Launch | None:
        """Return the launch behind `value` and forget it; None when unknown, used or too old."""
        return self._launches.take(value)

    def issue_code(
        self,
        *,
        client_id: str,
        scopes: tuple[str, ...],
        launch: Launch,
        nonce: str | None,
        redirect_uri: str,
        code_challenge: str,
    ) -> str:
        """Return a new authorization code: good once, for a minute."""
        grant = Grant(client_id=client_id, scopes=scopes, family=secrets.token_urlsafe(16), launch=launch, nonce=nonce)
        pending = PendingCode(grant=grant, redirect_uri=redirect_uri, code_challenge=code_challenge)
        return self._codes.put(pending, seconds=CODE_SECONDS)

    def redeem_code(self, code: str, *, client_id: str, redirect_uri: str, verifier: str) -> Issued:
        """Exchange a code for tokens; any attempt uses it up, and a second one revokes what the first brought.

        Raises InvalidGrantError when the code is unknown, old, used, another client's, or was asked for with
        another redirect URI or PKCE challenge (RFC 6749 section 4.1.2, RFC 7636).
        """
        with self._lock:
            pending = self._codes.take(code)
            if pending is None:
                raise self._misused(code)
            self._spent.add(code, pending.grant.family, seconds=REFRESH_SECONDS)
            if (client_id, redirect_uri) != (pending.grant.client_id, pending.redirect_uri):
                raise InvalidGrantError("The code was issued to another client or redirect_uri.")
            if not _verifies(verifier, pending.code_challenge):
                raise InvalidGrantError("The code_verifier does not match the code_challenge.")
            return self._issue(pending.grant, pending.grant.scopes)

    def redeem_refresh(self, token: str, *, client_id: str, scope: str | None) -> Issued:
        """Exchange a refresh token for new tokens; the old one is spent, and showing it again revokes the family.

        Raises InvalidGrantError, or InvalidScopeError when `scope` asks for more than was granted.
        """
        with self._lock:
            live = self._refresh.get(token)
            if live is None:
                raise self._misused(token)
            grant = live.grant
            if grant.client_id != client_id:
                raise InvalidGrantError("The refresh token was issued to another client.")
            scopes = grant.scopes if scope is None else tuple(scope.split())
            if not scopes or not set(scopes) <= set(grant.scopes):
                raise InvalidScopeError("Ask for scopes that were granted, or leave scope out.")
            self._refresh.take(token)
            self._spent.add(token, grant.family, seconds=REFRESH_SECONDS)
            return self._issue(grant, scopes)

    def issue_for_backend(self, *, client_id: str, scopes: tuple[str, ...]) -> Issued:
        """Issue an access token to a backend service: no user, no refresh token."""
        return self._issue(Grant(client_id=client_id, scopes=scopes, family=secrets.token_urlsafe(16)), scopes)

    def access(self, token: str) -> Access | None:
        """Return what a bearer token allows, None when unknown, expired or revoked."""
        live = self.live_token(token)
        if live is None:
            return None
        launch = live.grant.launch
        return Access(
            client_id=live.grant.client_id,
            scopes=live.scopes,
            patient=launch.patient if launch else None,
            encounter=launch.encounter if launch else None,
            user=launch.user if launch else None,
        )

    def live_token(self, token: str) -> LiveToken | None:
        """Return the access token behind its text, None when unknown, expired or revoked."""
        return self._access.get(token)

    def live_refresh_token(self, token: str, *, client_id: str) -> LiveToken | None:
        """Return a client's own refresh token, None when unknown, expired, used, revoked or another client's."""
        live = self._refresh.get(token)
        return live if live and live.grant.client_id == client_id else None

    def revoke(self, token: str, *, client_id: str) -> None:
        """Revoke a client's own token: an access token alone, a refresh token with its family (RFC 7009).

        Unknown tokens are fine; raises InvalidGrantError for another client's token.
        """
        with self._lock:
            access, refresh = self._access.get(token), self._refresh.get(token)
            live = access or refresh
            if live and live.grant.client_id != client_id:
                raise InvalidGrantError("The token was issued to another client.")
            self._access.take(token)
            if refresh:
                self._revoke_family(refresh.grant.family)

    def expire_access_tokens(self) -> None:
        """Expire every live access token at once; refresh tokens stay."""
        self._access.forget(lambda _: True)

    def first_use(self, *, client_id: str, jti: str) -> bool:
        """Remember a client assertion's `jti`; False when the client used it before."""
        return self._assertions.add(f"{client_id} {jti}", True, seconds=ASSERTION_SECONDS + 1)

    def _issue(self, grant: Grant, scopes: tuple[str, ...]) -> Issued:
        token = self._put(self._access, grant, scopes, seconds=self._token_seconds)
        stays = not set(REFRESH).isdisjoint(grant.scopes)
        refresh = self._put(self._refresh, grant, grant.scopes, seconds=REFRESH_SECONDS) if stays else None
        return Issued(grant=grant, scopes=scopes, access_token=token, refresh_token=refresh)

    def _put(self, tokens: Vault[LiveToken], grant: Grant, scopes: tuple[str, ...], *, seconds: int) -> str:
        live = LiveToken(grant=grant, scopes=scopes, expires=self.clock() + seconds)
        return tokens.put(live, seconds=seconds)

    def _misused(self, key: str) -> InvalidGrantError:
        family = self._spent.get(key)
        if family:
            self._revoke_family(family)
        return InvalidGrantError("The code or refresh token is unknown, expired or used before.")

    def _revoke_family(self, family: str) -> None:
        for tokens in (self._access, self._refresh):
            tokens.forget(lambda live: live.grant.family == family)


def _verifies(verifier: str, challenge: str) -> bool:
    well_formed = _VERIFIER.fullmatch(verifier) is not None
    return well_formed and secrets.compare_digest(create_s256_code_challenge(verifier), challenge)
