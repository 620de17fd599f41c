"""The public keys of an authorization server, kept for a while and fetched again only when that can help."""

import threading
from collections.abc import Callable
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from fhir_alliance.ehr.breaker import turn
from fhir_alliance.errors import EhrUnreachable

MAX_AGE: Final = 3600.0
"""Seconds after which a key that the server has dropped is no longer accepted."""

MIN_AGE: Final = 60.0
"""Seconds between two fetches, however many unknown keys are asked for (T29)."""

_TYPES: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
_MAX_KEYS = 50


class KeyCache:
    """The key set of one EHR; `fetch` returns the JWKS as JSON, `clock` seconds that never run backwards."""

    def __init__(self, fetch: Callable[[], Any], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._asked = self._fetched = 0.0

    def get(self, kid: str | None) -> KeySet:
        """Return the keys, fetched again when they are an hour old, or a minute old and without `kid`.

        Raises EhrUnreachable when they cannot be fetched or are not a JWKS, NotSent while another fetch does not end.
        """
        with turn(self._lock):
            if self._keys is not None and self._clock() - self._fetched > MAX_AGE:
                self._keys = None  # however often they cannot be fetched, they are not believed any longer
            if self._keys is None or self._may_be_more(self._keys, kid):
                self._asked = self._clock()
                self._keys, self._fetched = public_keys(self._fetch()), self._asked
            return self._keys

    def _may_be_more(self, keys: KeySet, kid: str | None) -> bool:
        known = kid is None or any(key.kid == kid for key in keys)
        return not known and self._clock() - self._asked > MIN_AGE


def public_keys(jwks: Any) -> KeySet:
    """Read the signature keys of a JWKS (RFC 7517): RSA and EC only; raises EhrUnreachable when it holds none."""
    found = jwks.get("keys") if isinstance(jwks, dict) else None
    usable = [
        key
        for key in (found if isinstance(found, list) else [])[:_MAX_KEYS]
        if isinstance(key, dict) and str(key.get("kty")) in _TYPES and key.get("use", "sig") == "sig"
    ]
    try:
        keys = KeySet([_TYPES[key["kty"]].import_key(key) for key in usable])
    except (JoseError, ValueError, TypeError, KeyError):
        raise EhrUnreachable("malformed keys") from None
    if not keys:
        raise EhrUnreachable("no keys")
    return keys
