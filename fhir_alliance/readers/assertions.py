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
    header, claimed = read_unverified(assertion)
    subject = claimed.get("sub")
    reader = readers.get(subject) if isinstance(subject, str) else None
    if reader is None:
        raise ReaderRefused("assertion: client not registered")
    claims = verify(assertion, header, jku=reader.jwks_uri, keys=lambda kid: keys(reader, kid))
    if claims.get("iss") != reader.client_id or claims.get("sub") != reader.client_id:
        raise ReaderRefused("assertion: iss or sub")
    expires = check_use(claims, audience=audience, now=now)
    return Proven(reader=reader, jti=claims["jti"], expires_at=expires)


def read_unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the header and the claims of a signed token; nothing is verified yet.

    Raises ReaderRefused for what no key of anybody could make right.
    """
    if len(token) > _MAX_BYTES:
        raise ReaderRefused("assertion: too large")
    try:
        unverified = jws.extract_compact(token.encode())
        header, claims = unverified.headers(), strict_json(unverified.payload)
    except (JoseError, ValueError) as error:
        raise ReaderRefused(f"assertion: {type(error).__name__}") from None
    if header.get("alg") not in ALGORITHMS or _FOREIGN & header.keys():
        raise ReaderRefused("assertion: algorithm or key not accepted")
    if header.get("typ") != "JWT" or not isinstance(header.get("kid"), str):
        raise ReaderRefused("assertion: typ or kid")
    return header, claims if isinstance(claims, dict) else {}


def verify(
    token: str, header: Mapping[str, Any], *, jku: str | None, keys: Callable[[str], KeySet]
) -> Mapping[str, Any]:
    """Return the claims of a token that one of the registered keys has signed; `jku` is their registered address.

    Raises ReaderRefused.
    """
    if header.get("jku", jku) != jku:
        raise ReaderRefused("assertion: jku")
    try:
        key = keys(header["kid"]).get_by_kid(header["kid"], {"alg": header["alg"], "use": "sig"})
        return jwt.decode(token, key, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, EhrUnreachable) as error:
        raise ReaderRefused(f"assertion: {type(error).__name__}") from None


def check_use(claims: Mapping[str, Any], *, audience: str, now: datetime) -> datetime:
    """Return when a token expires that is for `audience`, for now and for once; raises ReaderRefused."""
    seconds = now.timestamp()
    if claims.get("aud") not in (audience, [audience]):
        raise ReaderRefused("assertion: aud")
    expires = claims.get("exp")
    if type(expires) is not int or not seconds < expires <= seconds + LONGEST:
        raise ReaderRefused("assertion: exp")
    for name in ("iat", "nbf"):
        moment = claims.get(name, 0)
        if type(moment) is not int or moment > seconds + _LEEWAY:
            raise ReaderRefused(f"assertion: {name}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 255:
        raise ReaderRefused("assertion: jti")
    return datetime.fromtimestamp(expires, UTC)
