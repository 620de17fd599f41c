"""client_secret_basic (RFC 6749 section 2.3.1): who may use it, and what is refused."""

import base64
from typing import Any

import pytest

INTROSPECT = {"token": "unknown"}


def code_form(sandbox: Any, **changes: str | None) -> dict[str, str]:
    """Return the right token request of an app with a secret, which proves itself in a header alone."""
    no_proof = {"client_assertion": None, "client_assertion_type": None}
    return dict(sandbox.code_form(sandbox.code(client_id="server:1"), **(no_proof | changes)))


def header(text: str) -> dict[str, str]:
    """Return a Basic header of some text."""
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_a_secret_by_basic_brings_tokens(sandbox: Any) -> None:
    """Id and secret, form-urlencoded into HTTP Basic, exchange a code and a refresh token."""
    reply = sandbox.browser.post("/auth/token", data=code_form(sandbox), headers=sandbox.basic())
    form = {"grant_type": "refresh_token", "refresh_token": reply.json["refresh_token"], "client_id": "server:1"}

    refreshed = sandbox.browser.post("/auth/token", data=form, headers=sandbox.basic())

    assert (reply.status_code, refreshed.status_code) == (200, 200)
    assert sandbox.grants.access(refreshed.json["access_token"]).client_id == "server:1"


def test_a_client_with_a_secret_introspects_and_revokes(sandbox: Any) -> None:
    """Introspection and revocation take HTTP Basic as the token endpoint does."""
    token = sandbox.browser.post("/auth/token", data=code_form(sandbox), headers=sandbox.basic()).json["access_token"]

    before = sandbox.browser.post("/auth/introspect", data={"token": token}, headers=sandbox.basic())
    revoked = sandbox.browser.post("/auth/revoke", data={"token": token}, headers=sandbox.basic())
    after = sandbox.browser.post("/auth/introspect", data={"token": token}, headers=sandbox.basic())

    assert (before.json["active"], revoked.status_code, after.json) == (True, 200, {"active": False})


@pytest.mark.parametrize(
    "authorization",
    [
        header("server%3A1:wrong"),
        header("server%3A1:"),
        header("server%3A1"),
        header(":"),
        header("nobody:s3cret"),
        header("patient:"),
        header("clinician:"),
        header("clinician:anything"),
        header("server:1:s3cret+%2B%25%26%3A%C3%A9"),
        header("server%3A1:s3cret +%&:\u00e9"),
        header("server%3A1:%FF"),
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic"},
        {"Authorization": "Bearer token"},
        {"Authorization": ""},
    ],
    ids=str,
)
def test_a_wrong_header_is_refused(sandbox: Any, authorization: dict[str, str]) -> None:
    """A wrong, missing, badly encoded or unregistered secret is 401; a public name in the body does not help."""
    forms = [INTROSPECT, INTROSPECT | {"client_id": "patient"}]

    replies = [sandbox.browser.post("/auth/revoke", data=form, headers=authorization) for form in forms]

    assert [(reply.status_code, reply.json["error"]) for reply in replies] == [(401, "invalid_client")] * 2
    assert all(reply.headers["WWW-Authenticate"].startswith('Basic realm="') for reply in replies)


@pytest.mark.parametrize("client_id", ["server:1", "patient", "clinician"])
def test_a_secret_in_the_body_is_refused(sandbox: Any, client_id: str) -> None:
    """client_secret_post is not offered, not even with the right secret, nor beside the right header."""
    form = INTROSPECT | {"client_id": client_id, "client_secret": "s3cret +%&:\u00e9"}

    alone = sandbox.browser.post("/auth/introspect", data=form)
    beside = sandbox.browser.post("/auth/introspect", data=form, headers=sandbox.basic())

    assert [(reply.status_code, reply.json["error"]) for reply in (alone, beside)] == [(401, "invalid_client")] * 2


def test_the_name_alone_is_no_proof(sandbox: Any) -> None:
    """A client registered with a secret cannot call without it."""
    reply = sandbox.browser.post("/auth/token", data=code_form(sandbox, client_id="server:1"))

    assert (reply.status_code, reply.json["error"]) == (401, "invalid_client")


def test_an_assertion_is_no_proof_for_a_secret_client(sandbox: Any) -> None:
    """A client registered with a secret has no key to sign with."""
    reply = sandbox.browser.post("/auth/introspect", data=INTROSPECT | sandbox.proof("report"))

    assert reply.json["error"] == "invalid_client"


def test_two_proofs_at_once_are_refused(sandbox: Any) -> None:
    """A request with a header and an assertion uses more than one mechanism (RFC 6749 section 5.2)."""
    reply = sandbox.browser.post(
        "/auth/introspect", data=INTROSPECT | sandbox.proof("system"), headers=sandbox.basic(sandbox.report)
    )

    assert (reply.status_code, reply.json["error"]) == (400, "invalid_request")


def test_another_name_beside_the_header_is_refused(sandbox: Any) -> None:
    """The client_id in the body, if any, is the one of the header."""
    reply = sandbox.browser.post("/auth/introspect", data=INTROSPECT | {"client_id": "report"}, headers=sandbox.basic())

    assert reply.json["error"] == "invalid_client"


def test_a_secret_is_not_enough_for_backend_services(sandbox: Any) -> None:
    """SMART Backend Services asks for an asymmetric key, also of a client registered for client_credentials."""
    form = {"grant_type": "client_credentials", "scope": "system/Observation.rs"}

    reply = sandbox.browser.post("/auth/token", data=form, headers=sandbox.basic(sandbox.report))

    assert reply.json["error"] == "unauthorized_client"
