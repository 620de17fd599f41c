"""A reader's proof of who it is: a signed assertion, believed only when every part is right (spec rows S42-S45)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fhir_alliance.errors import EhrUnreachable, ReaderRefused
from fhir_alliance.settings import ReaderSettings
from fhir_alliance.strict_json import strict_json

ALGORITHMS: Final = ("RS384", "ES384")
"""Ours alone (spec row S40): what a header names is compared, never followed (T76)."""

LONGEST: Final = 300
"""Seconds that an assertion may live (spec row S44)."""

_LEEWAY: Final = 60
_MAX_BYTES: Final = 16 * 1024
# What would bring a key along, or ask for rules of its own (T77); `jku` may only repeat what is registered.
_FOREIGN: Final = frozenset({"jwk", "x5u", "x5c", "crit", "b64"})

KeysOf = Callable[[ReaderSettings, str], KeySet]


@dataclass(frozen=True, kw_only=True)
class Proven:
    """Who has proven itself, and the assertion's `jti`, which must not have been used before it expires."""

    reader: ReaderSettings
    jti: str
    expires_at: datetime


def verify_assertion(
    assertion: str, *, readers: Mapping[str, ReaderSettings], keys: KeysOf, audience: str, now: datetime
) -> Proven:
    """Check a client assertion made for the token endpoint `audience`; `readers` are by client id.

    `keys` returns the registered keys of a reader for a `kid`. Raises ReaderRefused, saying which part is wrong and
    never what it held.
    """
    try:
        header, reader = _claimed(assertion, readers)
        key = keys(reader, header["kid"]).get_by_kid(header["kid"], {"alg": header["alg"], "use": "sig"})
        claims = jwt.decode(assertion, key, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, EhrUnreachable) as error:
        raise ReaderRefused(f"assertion: {type(error).__name__}") from None
    expires = _check(claims, client_id=reader.client_id, audience=audience, now=now.timestamp())
    return Proven(reader=reader, jti=claims["jti"], expires_at=datetime.fromtimestamp(expires, UTC))


def _claimed(assertion: str, readers: Mapping[str, ReaderSettings]) -> tuple[Mapping[str, Any], ReaderSettings]:
    """Return the header and the reader an assertion says it comes from; nothing is verified yet."""
    if len(assertion) > _MAX_BYTES:
        raise ReaderRefused("assertion: too large")
    unverified = jws.extract_compact(assertion.encode())
    header, claims = unverified.headers(), strict_json(unverified.payload)
    if header.get("alg") not in ALGORITHMS or _FOREIGN & header.keys():
        raise ReaderRefused("assertion: algorithm or key not accepted")
    if header.get("typ") != "JWT" or not isinstance(header.get("kid"), str):
        raise ReaderRefused("assertion: typ or kid")
    subject = claims.get("sub") if isinstance(claims, dict) else None
    reader = readers.get(subject) if isinstance(subject, str) else None
    if reader is None:
        raise ReaderRefused("assertion: client not registered")
    if header.get("jku", reader.jwks_uri) != reader.jwks_uri:
        raise ReaderRefused("assertion: jku")
    return header, reader


def _check(claims: Mapping[str, Any], *, client_id: str, audience: str, now: float) -> int:
    """Return when the assertion expires, in seconds since 1970."""
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise ReaderRefused("assertion: iss or sub")
    if claims.get("aud") not in (audience, [audience]):
        raise ReaderRefused("assertion: aud")
    expires = claims.get("exp")
    if type(expires) is not int or not now < expires <= now + LONGEST:
        raise ReaderRefused("assertion: exp")
    for name in ("iat", "nbf"):
        moment = claims.get(name, 0)
        if type(moment) is not int or moment > now + _LEEWAY:
            raise ReaderRefused(f"assertion: {name}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 255:
        raise ReaderRefused("assertion: jti")
    return expires
