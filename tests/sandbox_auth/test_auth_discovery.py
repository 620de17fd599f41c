"""Discovery, keys and style: what the authorization server publishes."""

from typing import Any

import pytest

CAPABILITIES = """launch-ehr launch-standalone authorize-post client-public client-confidential-symmetric
client-confidential-asymmetric context-ehr-patient context-ehr-encounter
context-standalone-patient context-banner context-style permission-online permission-offline
permission-patient permission-user permission-v1 permission-v2 sso-openid-connect"""


def test_smart_configuration_says_what_is_built(sandbox: Any) -> None:
    """The SMART configuration names absolute endpoints, S256 alone, and the capabilities of this server."""
    document = sandbox.browser.get("/fhir/.well-known/smart-configuration").json

    assert document["issuer"] == sandbox.fhir
    assert document["authorization_endpoint"] == f"{sandbox.base}/auth/authorize"
    assert document["token_endpoint"] == f"{sandbox.base}/auth/token"
    assert document["jwks_uri"] == f"{sandbox.base}/auth/jwks"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert {"patient/*.cruds", "patient/*.read", "user/*.write", "system/*.*"} <= set(document["scopes_supported"])
    assert set(document["capabilities"]) == set(CAPABILITIES.split())
    assert {"authorization_code", "refresh_token", "client_credentials"} == set(document["grant_types_supported"])


@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation"])
def test_each_endpoint_says_how_clients_prove_themselves(sandbox: Any, endpoint: str) -> None:
    """Methods and algorithms are told for each endpoint; introspection alone is closed to public clients."""
    document = sandbox.browser.get("/fhir/.well-known/smart-configuration").json

    public = set() if endpoint == "introspection" else {"none"}
    methods = {"private_key_jwt", "client_secret_basic"} | public
    assert set(document[f"{endpoint}_endpoint_auth_methods_supported"]) == methods
    assert document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]


def test_openid_configuration_matches(sandbox: Any) -> None:
    """The OpenID configuration lies below the issuer and agrees with the SMART configuration."""
    smart = sandbox.browser.get("/fhir/.well-known/smart-configuration").json
    openid = sandbox.browser.get("/fhir/.well-known/openid-configuration").json

    assert openid["issuer"] == sandbox.fhir
    assert smart.items() <= openid.items()
    assert openid["id_token_signing_alg_values_supported"] == ["RS256"]
    assert openid["subject_types_supported"] == ["public"]


def test_jwks_is_public_only(sandbox: Any) -> None:
    """The published key set has kids and no private member."""
    (key,) = sandbox.browser.get("/auth/jwks").json["keys"]

    assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_style_has_the_smart_keys(sandbox: Any) -> None:
    """The style document holds the keys of SMART styling, all strings."""
    style = sandbox.browser.get("/auth/smart-style.json").json

    assert {"color_background", "color_text", "dim_border_radius", "font_family_body"} <= set(style)
    assert all(isinstance(value, str) for value in style.values())


@pytest.mark.parametrize(
    "path", ["/fhir/.well-known/smart-configuration", "/auth/jwks", "/auth/token", "/auth/smart-style.json"]
)
def test_browser_apps_may_call(sandbox: Any, path: str) -> None:
    """Endpoints for apps answer a cross-origin preflight."""
    reply = sandbox.browser.options(path, headers={"Origin": "https://app.example.invalid"})

    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fhir/.well-known/smart-configuration", 200),
        ("GET", "/fhir/.well-known/openid-configuration", 200),
        ("GET", "/auth/jwks", 200),
        ("POST", "/auth/token", 400),
        ("POST", "/auth/introspect", 401),
        ("POST", "/auth/revoke", 401),
    ],
)
def test_browser_apps_may_read_the_answers(sandbox: Any, method: str, path: str, status: int) -> None:
    """Not only the preflight: each answer itself, a refusal too, may be read by an app of another origin."""
    reply = sandbox.browser.open(path, method=method, headers={"Origin": "https://app.example.invalid"})

    assert reply.status_code == status
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Cache-Control"] == ("max-age=60" if method == "GET" else "no-store")


def test_pages_are_closed_to_other_origins(sandbox: Any) -> None:
    """The authorize pages may not be read across origins, framed elsewhere, cached or told to referrers."""
    page = sandbox.authorize(sandbox.standalone_request())

    assert "Access-Control-Allow-Origin" not in page.headers
    assert page.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
