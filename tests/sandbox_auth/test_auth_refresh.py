"""Refresh tokens: rotation, reuse, narrower scopes."""

from typing import Any

import pytest


def refresh(sandbox: Any, token: str, client: str = "clinician", **form: str) -> Any:
    """Send a refresh request and return the JSON of its answer."""
    form = {"grant_type": "refresh_token", "refresh_token": token} | form
    return sandbox.token(**form, **sandbox.proof(client)).json


def test_a_refresh_brings_new_tokens_and_the_same_context(sandbox: Any) -> None:
    """A refresh keeps scope and context, and replaces both tokens."""
    first = sandbox.launched()

    second = refresh(sandbox, first["refresh_token"])

    assert second["scope"] == first["scope"]
    assert (second["patient"], second["encounter"]) == ("ana", "v1")
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert second["expires_in"] == 300
    assert sandbox.grants.access(second["access_token"]).user == "Practitioner/vera"


def test_reuse_of_an_old_refresh_token_ends_the_family(sandbox: Any) -> None:
    """Showing a spent refresh token revokes everything that came of it."""
    first = sandbox.launched()
    second = refresh(sandbox, first["refresh_token"])

    reused = refresh(sandbox, first["refresh_token"])
    third = refresh(sandbox, second["refresh_token"])

    assert reused["error"] == "invalid_grant"
    assert third["error"] == "invalid_grant"
    assert sandbox.grants.access(second["access_token"]) is None


def test_a_refresh_may_narrow_the_scope_for_one_token(sandbox: Any) -> None:
    """A subset is granted to the new access token; the refresh token keeps the whole."""
    first = sandbox.launched()

    narrow = refresh(sandbox, first["refresh_token"], scope="user/Patient.r")
    whole = refresh(sandbox, narrow["refresh_token"])

    assert narrow["scope"] == "user/Patient.r"
    assert sandbox.grants.access(narrow["access_token"]).scopes == ("user/Patient.r",)
    assert whole["scope"] == first["scope"]


@pytest.mark.parametrize("scope", ["user/Patient.rs", "user/Patient.r system/Observation.rs", "offline_access", ""])
def test_a_refresh_cannot_widen_the_scope(sandbox: Any, scope: str) -> None:
    """Asking for more than was granted, or for nothing, is refused and leaves the refresh token usable."""
    first = sandbox.launched()

    wider = refresh(sandbox, first["refresh_token"], scope=scope)
    again = refresh(sandbox, first["refresh_token"])

    assert wider["error"] == "invalid_scope"
    assert "access_token" in again


def test_a_refresh_token_belongs_to_its_client(sandbox: Any) -> None:
    """Another client's refresh token is refused, and stays with its owner."""
    first = sandbox.launched()

    stolen = sandbox.token(grant_type="refresh_token", refresh_token=first["refresh_token"], client_id="patient")
    own = refresh(sandbox, first["refresh_token"])

    assert stolen.json["error"] == "invalid_grant"
    assert "access_token" in own


def test_a_client_without_the_grant_cannot_refresh(sandbox: Any) -> None:
    """A client that is not registered for refresh_token is refused before its token is looked at."""
    assert refresh(sandbox, "any", client="system")["error"] == "unauthorized_client"


def test_a_refresh_token_ends(sandbox: Any) -> None:
    """After eight hours the refresh token is refused."""
    first = sandbox.launched()

    sandbox.clock.now += 8 * 3600

    assert refresh(sandbox, first["refresh_token"])["error"] == "invalid_grant"


def test_a_refresh_needs_authentication(sandbox: Any) -> None:
    """A confidential client must prove itself again on refresh."""
    first = sandbox.launched()

    reply = sandbox.token(grant_type="refresh_token", refresh_token=first["refresh_token"], client_id="clinician")

    assert reply.json["error"] == "invalid_client"
