"""The sandbox's signing key: id_tokens, and the JWKS that verifies them."""

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from smart_app.sandbox.auth.context import Grant
from smart_app.sandbox.config import SandboxConfig

ALGORITHM = "RS256"
ID_TOKEN_SECONDS = 300


class SigningKey:
    """An RSA key that lives as long as the process."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)

    def jwks(self) -> dict[str, object]:
        """Return the public half as a JWK set."""
        return dict(KeySet([self._key]).as_dict(private=False))

    def id_token(self, grant: Grant, config: SandboxConfig, *, user: str, now: int) -> str:
        """Return the signed id_token about `user` ("Practitioner/id" or "Patient/id") for the grant's client.

        OpenID Connect Core 2; `fhirUser` is the absolute URL, and there when its scope was granted.
        """
        claims: dict[str, object] = {
            "iss": config.fhir_base,
            "sub": user,
            "aud": grant.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
        }
        if "fhirUser" in grant.scopes:
            claims["fhirUser"] = f"{config.fhir_base}/{user}"
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])
