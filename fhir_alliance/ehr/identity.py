"""Who is signed in: an id_token is believed only when every part of it is right."""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authlib.oidc.core.util import create_half_hash
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from fhir_alliance.errors import InvalidIdToken
from fhir_alliance.settings import EhrSettings

ALGORITHMS: Final = ("RS256", "RS384", "ES256", "ES384")
"""Ours alone: what a server's metadata lists may contain `none` (T18), and a shared secret is no signature (T19)."""

LEEWAY: Final = 60
MAX_BYTES: Final = 16 * 1024
_FOREIGN_KEYS = {"jwk", "jku", "x5u", "x5c", "crit"}
_PERSON = re.compile(
    r"(Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/(?!\.{1,2}\Z)[A-Za-z0-9.-]{1,64}"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class User:
    """Who is signed in: one person is one (EHR, issuer, subject), never an e-mail address or a name."""

    issuer: str
    subject: str
    reference: str

    @property
    def kind(self) -> str:
        """The resource type: Practitioner, PractitionerRole, Patient, RelatedPerson or Person."""
        return self.reference.partition("/")[0]


def verify_id_token(
    token: str,
    *,
    ehr: EhrSettings,
    client_id: str,
    nonce: str,
    keys: Callable[[str | None], KeySet],
    now: datetime,
    access_token: str | None = None,
) -> User:
    """Check an id_token (OpenID Connect Core 1.0, 3.1.3.7) and return who it names.

    `keys` returns the EHR's pinned key set for a `kid`. With `access_token` an `at_hash` must fit it.
    Raises InvalidIdToken, saying which part is wrong and never what it held.
    """
    header = _header(token)
    try:
        key = keys(header.get("kid")).get_by_kid(header.get("kid"), {"alg": header["alg"], "use": "sig"})
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        claims = jwt.decode(token, key, algorithms=ALGORITHMS, registry=registry).claims
        _claims_registry(ehr, client_id=client_id, nonce=nonce, now=now).validate(claims)
    except (JoseError, ValueError) as error:
        raise InvalidIdToken(f"id_token: {type(error).__name__}") from None
    _check_rest(claims, client_id=client_id)
    if access_token is not None and "at_hash" in claims:
        _check_at_hash(claims["at_hash"], access_token, header["alg"])
    return User(issuer=ehr.issuer, subject=claims["sub"], reference=_reference(claims.get("fhirUser"), ehr.fhir_base))


def _header(token: str) -> Mapping[str, Any]:
    """Read the header before any key is looked at, and refuse what would bring its own (T20, T25, T30)."""
    if len(token) > MAX_BYTES:
        raise InvalidIdToken("id_token: too large")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        raise InvalidIdToken("id_token: not a signed token") from None
    if header.get("alg") not in ALGORITHMS or _FOREIGN_KEYS & header.keys():
        raise InvalidIdToken("id_token: algorithm or key not accepted")
    if str(header.get("typ", "JWT")).upper() != "JWT" or not isinstance(header.get("kid"), str | None):
        raise InvalidIdToken("id_token: typ or kid")
    return header


def _claims_registry(ehr: EhrSettings, *, client_id: str, nonce: str, now: datetime) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": ehr.issuer},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )


def _check_rest(claims: Mapping[str, Any], *, client_id: str) -> None:
    """Check what the library does not: lists where one text belongs, several audiences, the length of `sub`."""
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not isinstance(claims["nonce"], str):
        raise InvalidIdToken("id_token: nonce")
    if claims.get("azp", client_id) != client_id or (set(audiences) != {client_id} and "azp" not in claims):
        raise InvalidIdToken("id_token: meant for another client")
    if not 1 <= len(claims["sub"]) <= 255:
        raise InvalidIdToken("id_token: sub")


def _check_at_hash(at_hash: Any, access_token: str, algorithm: str) -> None:
    expected: bytes = create_half_hash(access_token, algorithm)
    if not isinstance(at_hash, str) or not hmac.compare_digest(at_hash.encode(), expected):
        raise InvalidIdToken("id_token: at_hash")


def _reference(value: Any, fhir_base: str) -> str:
    """Return `fhirUser` relative to the EHR's FHIR base; another server's person is nobody here (T28)."""
    reference = person(value, fhir_base)
    if reference is None:
        raise InvalidIdToken("id_token: fhirUser")
    return reference


def person(value: Any, fhir_base: str) -> str | None:
    """Return who `fhirUser` names, relative to an EHR's FHIR base; None when that is nobody of this EHR."""
    reference = value.removeprefix(f"{fhir_base}/") if isinstance(value, str) else ""
    return reference if _PERSON.fullmatch(reference) else None
