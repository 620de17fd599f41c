"""Introspection (RFC 7662) and revocation (RFC 7009)."""

from typing import Any

import pytest


def call(sandbox: Any, what: str, token: str, client: str = "system", **form: str) -> Any:
    """Post a token to an endpoint as a confidential client."""
    return sandbox.browser.post(f"/auth/{what}", data={"token": token, **form, **sandbox.proof(client)})


def test_a_live_token_is_described(sandbox: Any) -> None:
    """Introspection tells scope, client, end, context and identity of a live token."""
    launched = sandbox.launched(launch=sandbox.launch(intent="review"))

    reply = call(sandbox, "introspect", launched["access_token"])

    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.json == {
        "active": True,
        "scope": launched["scope"],
        "client_id": "clinician",
        "exp": int(sandbox.clock.now) + 300,
        "token_type": "Bearer",
        "patient": "ana",
        "encounter": "v1",
        "intent": "review",
        "iss": sandbox.fhir,
        "sub": "Practitioner/vera",
        "fhirUser": f"{sandbox.fhir}/Practitioner/vera",
    }


@pytest.mark.parametrize(("scope", "told"), [("launch openid", {"iss", "sub"}), ("launch user/Patient.r", set())])
def test_identity_is_described_as_far_as_granted(sandbox: Any, scope: str, told: set[str]) -> None:
    """Who the user is appears only when the token's scopes include it."""
    token = sandbox.launched(scope=scope)["access_token"]

    reply = call(sandbox, "introspect", token).json

    assert {"iss", "sub", "fhirUser"} & set(reply) == told


def test_a_system_token_has_no_user(sandbox: Any) -> None:
    """A backend service's token is described without user and context."""
    form = {"grant_type": "client_credentials", "scope": "system/Observation.rs"}
    token = sandbox.token(**form, **sandbox.proof("system")).json["access_token"]

    reply = call(sandbox, "introspect", token).json

    assert set(reply) == {"active", "scope", "client_id", "exp", "token_type"}


def test_other_tokens_are_inactive(sandbox: Any) -> None:
    """Expired and unknown tokens, and another client's refresh token, are just inactive."""
    launched = sandbox.launched()
    sandbox.grants.expire_access_tokens()

    replies = [
        call(sandbox, "introspect", text).json for text in ("x", *map(launched.get, ("access_token", "refresh_token")))
    ]

    assert replies == [{"active": False}] * 3


def test_a_refresh_token_is_described_to_its_own_client(sandbox: Any) -> None:
    """A client may ask about its own refresh token, and is not told that it is a bearer token."""
    launched = sandbox.launched()
    sandbox.grants.expire_access_tokens()

    reply = call(sandbox, "introspect", launched["refresh_token"], "clinician", token_type_hint="access_token").json

    assert (reply["active"], reply["scope"], reply["patient"]) == (True, launched["scope"], "ana")
    assert reply["exp"] == int(sandbox.clock.now) + 8 * 3600
    assert "token_type" not in reply


def test_a_used_refresh_token_is_inactive(sandbox: Any) -> None:
    """After a refresh the old refresh token is inactive and the new one is not."""
    first = sandbox.launched()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = sandbox.token(**form, **sandbox.proof("clinician")).json

    replies = [call(sandbox, "introspect", each["refresh_token"], "clinician").json for each in (first, second)]

    assert [reply["active"] for reply in replies] == [False, True]


@pytest.mark.parametrize("proof", [{}, {"client_id": "patient"}, {"client_id": "system"}])
def test_introspection_is_for_confidential_clients(sandbox: Any, proof: dict[str, str]) -> None:
    """Without a client assertion nothing is told."""
    token = sandbox.launched()["access_token"]

    reply = sandbox.browser.post("/auth/introspect", data={"token": token, **proof})

    assert (reply.status_code, reply.json["error"]) == (401, "invalid_client")
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("what", ["introspect", "revoke"])
def test_the_token_must_be_there(sandbox: Any, what: str) -> None:
    """A request without a token is invalid."""
    assert call(sandbox, what, "").json["error"] == "invalid_request"


def test_a_revoked_access_token_is_over(sandbox: Any) -> None:
    """Revoking an access token ends it alone."""
    launched, other = sandbox.launched(), sandbox.launched()

    reply = call(sandbox, "revoke", launched["access_token"], "clinician")

    assert reply.status_code == 200
    assert sandbox.grants.access(launched["access_token"]) is None
    assert sandbox.grants.access(other["access_token"])
    assert call(sandbox, "introspect", launched["refresh_token"], "clinician").json["active"] is True


def test_a_revoked_refresh_token_takes_its_family_along(sandbox: Any) -> None:
    """Revoking a refresh token ends it and the access token that came with it."""
    launched = sandbox.launched()

    call(sandbox, "revoke", launched["refresh_token"], "clinician", token_type_hint="refresh_token")

    form = {"grant_type": "refresh_token", "refresh_token": launched["refresh_token"]}
    assert sandbox.grants.access(launched["access_token"]) is None
    assert sandbox.token(**form, **sandbox.proof("clinician")).json["error"] == "invalid_grant"


def test_revoking_a_refresh_token_ends_all_access_tokens_of_its_grant(sandbox: Any) -> None:
    """Access tokens from before a refresh end too, those of another launch stay (RFC 7009 section 2.1)."""
    first, other = sandbox.launched(), sandbox.launched()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = sandbox.token(**form, **sandbox.proof("clinician")).json

    call(sandbox, "revoke", second["refresh_token"], "clinician")

    tokens = [each["access_token"] for each in (first, second, other)]
    assert [call(sandbox, "introspect", token).json["active"] for token in tokens] == [False, False, True]


def test_an_unknown_token_is_revoked_already(sandbox: Any) -> None:
    """Revoking a token nobody knows is no error."""
    assert call(sandbox, "revoke", "unknown").status_code == 200


def test_only_its_own_client_revokes_a_token(sandbox: Any) -> None:
    """Another client's tokens cannot be revoked, and stay alive."""
    launched = sandbox.launched()

    replies = [call(sandbox, "revoke", launched[name], "system").json for name in ("access_token", "refresh_token")]

    assert [reply["error"] for reply in replies] == ["invalid_grant"] * 2
    assert sandbox.grants.access(launched["access_token"])


def test_revocation_needs_a_client(sandbox: Any) -> None:
    """A token cannot be revoked by somebody unknown."""
    reply = sandbox.browser.post("/auth/revoke", data={"token": sandbox.launched()["access_token"]})

    assert reply.json["error"] == "invalid_client"
