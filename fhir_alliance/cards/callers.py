"""Who asks for cards: an EHR that proves itself by a signed token, for one address and once (C07, T76-T78)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fhir_alliance.errors import ReaderRefused
from fhir_alliance.readers.assertions import check_use, read_unverified, verify
from fhir_alliance.readers.keys import ReaderKeys
from fhir_alliance.settings import CdsSettings, EhrSettings


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An EHR that has proven itself; the `jti` of an `owner` must not have been used before it expires."""

    ehr: EhrSettings
    owner: str
    jti: str
    expires_at: datetime


class Callers:
    """The EHRs of a site that may ask; thread safe."""

    def __init__(self, ehrs: Mapping[str, EhrSettings]) -> None:
        """Raise InvalidSettings with every key file that is none."""
        self._ehrs = ehrs
        self._asking = {each.cds.issuer: each.cds for each in ehrs.values() if each.cds}
        self._keys = ReaderKeys({each.name: each for each in self._asking.values()})

    @property
    def any(self) -> bool:
        """Whether anybody may ask at all."""
        return bool(self._asking)

    @property
    def browser_origins(self) -> frozenset[str]:
        """The origins whose pages may call."""
        return frozenset(origin for each in self._asking.values() for origin in each.browser_origins)

    def verify(self, token: str, *, address: str, now: datetime) -> Caller:
        """Check the token of a call to an address; nothing but a registered key's address is ever asked.

        Raises ReaderRefused, saying which part is wrong and never what it held.
        """
        header, claimed = read_unverified(token)
        issuer = claimed.get("iss")
        asking = self._asking.get(issuer) if isinstance(issuer, str) else None
        if asking is None:
            raise ReaderRefused("assertion: iss")
        claims = verify(token, header, jku=asking.jwks_uri, keys=partial(self._keys.of, asking))
        expires = check_use(claims, audience=asking.audience or address, now=now)
        _check_more(claims, asking)
        return Caller(ehr=self._ehrs[asking.name], owner=f"cds {issuer}", jti=claims["jti"], expires_at=expires)


def _check_more(claims: Mapping[str, object], asking: CdsSettings) -> None:
    """Refuse a token that does not say when it was made, or is another tenant's (both by CDS Hooks 2.0, security)."""
    if type(claims.get("iat")) is not int:
        raise ReaderRefused("assertion: iat")
    if asking.tenant is not None and claims.get("tenant") != asking.tenant:
        raise ReaderRefused("assertion: tenant")
