"""The key by which the sandbox proves itself to CDS services: a token for each call (CDS Hooks 2.0, security)."""

import secrets
import time

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from smart_app.sandbox.config import SandboxConfig

ALGORITHM = "ES384"
SECONDS = 120


class CdsKey:
    """An EC key that lives as long as the process."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._key = ECKey.generate_key("P-384", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)

    def jwks(self) -> dict[str, object]:
        """Return the public half as a JWK set."""
        return dict(KeySet([self._key]).as_dict(private=False))

    def token(self, address: str) -> str:
        """Return a token for one call to an address."""
        now = int(time.time())
        claims = {
            "iss": self._config.fhir_base,
            "aud": address,
            "iat": now,
            "exp": now + SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        header = {
            "alg": ALGORITHM,
            "typ": "JWT",
            "kid": self._key.kid,
            "jku": f"{self._config.base_url}/auth/cds-jwks",
        }
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])
