"""Where the authorization server answers, and what it says about itself (SMART App Launch 2.2, conformance)."""

from smart_app.sandbox.auth.brands import IDENTIFIER
from smart_app.sandbox.auth.scopes import SUPPORTED
from smart_app.sandbox.config import SandboxConfig

CAPABILITIES = (
    "launch-ehr", "launch-standalone", "authorize-post",
    "client-public", "client-confidential-symmetric", "client-confidential-asymmetric",
    "context-ehr-patient", "context-ehr-encounter", "context-standalone-patient", "context-banner", "context-style",
    "permission-online", "permission-offline", "permission-patient", "permission-user", "permission-v1",
    "permission-v2", "sso-openid-connect",
)  # fmt: skip
_PROOFS = ("private_key_jwt", "client_secret_basic")


class Endpoints:
    """The absolute URLs of the authorization server."""

    def __init__(self, config: SandboxConfig) -> None:
        self.issuer = config.fhir_base
        self.authorize = f"{config.base_url}/auth/authorize"
        self.token = f"{config.base_url}/auth/token"
        self.jwks = f"{config.base_url}/auth/jwks"
        self.introspect = f"{config.base_url}/auth/introspect"
        self.revoke = f"{config.base_url}/auth/revoke"
        self.legacy = config.allowed.legacy
        self.style = f"{config.base_url}/auth/smart-style.json"
        self.brands = f"{config.base_url}/auth/brands.json"


def smart_configuration(endpoints: Endpoints) -> dict[str, object]:
    """Return the document of `/.well-known/smart-configuration`; a legacy EHR has neither v2 scopes nor S256."""
    lacking = ("permission-v2",) if endpoints.legacy else ()
    return {
        "issuer": endpoints.issuer,
        "jwks_uri": endpoints.jwks,
        "authorization_endpoint": endpoints.authorize,
        "token_endpoint": endpoints.token,
        "introspection_endpoint": endpoints.introspect,
        "revocation_endpoint": endpoints.revoke,
        **_authentication("token", *_PROOFS, "none"),
        **_authentication("introspection", *_PROOFS),
        **_authentication("revocation", *_PROOFS, "none"),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        **({} if endpoints.legacy else _brands(endpoints)),
        **({} if endpoints.legacy else {"code_challenge_methods_supported": ["S256"]}),
        "scopes_supported": [scope for scope in SUPPORTED if not (endpoints.legacy and scope.endswith(".cruds"))],
        "capabilities": [capability for capability in CAPABILITIES if capability not in lacking],
    }


def _brands(endpoints: Endpoints) -> dict[str, object]:
    return {"user_access_brand_bundle": endpoints.brands, "user_access_brand_identifier": dict(IDENTIFIER)}


def _authentication(endpoint: str, *methods: str) -> dict[str, object]:
    """Return how clients prove themselves at one endpoint (RFC 8414 section 2)."""
    return {
        f"{endpoint}_endpoint_auth_methods_supported": list(methods),
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
    }


def openid_configuration(endpoints: Endpoints) -> dict[str, object]:
    """Return the document of `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0)."""
    return {
        **smart_configuration(endpoints),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
    }
