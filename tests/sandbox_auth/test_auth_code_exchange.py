"""The authorization code at the token endpoint, and what comes back for it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

REGISTERED = "https://app.example.invalid/callback"


def test_the_answer_of_an_ehr_launch_is_complete(sandbox: Any) -> None:
    """The token answer carries the token, the granted scope and the whole launch context."""
    items = [{"reference": "QuestionnaireResponse/1", "role": "x"}]
    launch = sandbox.launch(intent="review", fhir_context=items, need_patient_banner=False)

    reply = sandbox.launched(launch=launch)

    assert reply["token_type"] == "Bearer"
    assert reply["expires_in"] == 300
    assert reply["scope"].startswith("launch openid fhirUser online_access user/Patient.r")
    assert (reply["patient"], reply["encounter"], reply["intent"]) == ("ana", "v1", "review")
    assert reply["need_patient_banner"] is False
    assert reply["fhirContext"] == items
    assert reply["smart_style_url"] == f"{sandbox.base}/auth/smart-style.json"
    assert reply["refresh_token"]
    assert sandbox.verifier not in str(reply)


def test_what_a_launch_does_not_have_is_left_out(sandbox: Any) -> None:
    """No encounter, intent or context in the launch means no such member in the answer."""
    reply = sandbox.launched(launch=sandbox.launch(encounter=None))

    assert {"encounter", "intent", "fhirContext"}.isdisjoint(reply)
    assert reply["need_patient_banner"] is True


def test_answers_of_the_token_endpoint_are_not_stored(sandbox: Any) -> None:
    """Good and bad answers alike forbid caching."""
    good = sandbox.token(**sandbox.code_form(sandbox.code()))
    bad = sandbox.token(grant_type="password")

    for reply in (good, bad):
        assert reply.content_type == "application/json"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Pragma"] == "no-cache"


def test_the_token_allows_what_was_granted(sandbox: Any) -> None:
    """The FHIR side learns client, scopes, patient, encounter and user from the token."""
    token = sandbox.launched()["access_token"]

    access = sandbox.grants.access(token)

    assert (access.client_id, access.patient, access.encounter) == ("clinician", "ana", "v1")
    assert access.user == "Practitioner/vera"
    assert "user/Patient.r" in access.scopes


def test_an_access_token_ends(sandbox: Any) -> None:
    """A token is good for the configured seconds; unknown tokens never are."""
    token = sandbox.launched()["access_token"]

    sandbox.clock.now += 299
    in_time = sandbox.grants.access(token)
    sandbox.clock.now += 1

    assert in_time is not None
    assert sandbox.grants.access(token) is None
    assert sandbox.grants.access("guessed") is None


def test_all_access_tokens_can_be_expired(sandbox: Any) -> None:
    """expire_access_tokens ends the live tokens and leaves the refresh token working."""
    reply = sandbox.launched()

    sandbox.grants.expire_access_tokens()
    again = sandbox.token(
        grant_type="refresh_token", refresh_token=reply["refresh_token"], **sandbox.proof("clinician")
    )

    assert sandbox.grants.access(reply["access_token"]) is None
    assert again.status_code == 200


def test_the_id_token_verifies(sandbox: Any) -> None:
    """The id_token is RS256 with a published kid, and names issuer, client, user, nonce and times."""
    keys = KeySet.import_key_set(sandbox.browser.get("/auth/jwks").json)

    token = jwt.decode(sandbox.launched()["id_token"], keys, algorithms=["RS256"])

    now = int(sandbox.clock.now)
    assert token.header["alg"] == "RS256"
    assert token.header["kid"] == keys.keys[0].kid
    assert token.claims == {
        "iss": sandbox.fhir,
        "sub": "Practitioner/vera",
        "aud": "clinician",
        "iat": now,
        "exp": now + 300,
        "nonce": "n-1",
        "fhirUser": f"{sandbox.fhir}/Practitioner/vera",
    }


@pytest.mark.parametrize(
    ("scope", "claims"),
    [("launch openid", {"iss", "sub", "aud", "iat", "exp"}), ("launch user/Patient.r", None)],
)
def test_identity_is_told_as_far_as_it_is_granted(sandbox: Any, scope: str, claims: set[str] | None) -> None:
    """Without fhirUser or nonce the claims are absent; without openid there is no id_token."""
    keys = KeySet.import_key_set(sandbox.browser.get("/auth/jwks").json)

    id_token = sandbox.launched(scope=scope, nonce=None).get("id_token")

    assert (set(jwt.decode(id_token, keys).claims) if id_token else None) == claims


def test_no_refresh_token_unless_granted(sandbox: Any) -> None:
    """Without online_access or offline_access there is no refresh token."""
    assert "refresh_token" not in sandbox.launched(scope="launch openid")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code": "guessed"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": "https://app.example.invalid/other?tenant=1"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "v" * 42}, "invalid_grant"),
        ({"code_verifier": "v" * 42 + "é"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion": None}, "invalid_client"),
        ({"client_id": "patient"}, "invalid_client"),
    ],
)
def test_a_broken_exchange_is_refused(sandbox: Any, change: dict[str, str | None], error: str) -> None:
    """Each rule of the exchange, broken, brings its own error and no token."""
    reply = sandbox.token(**sandbox.code_form(sandbox.code(), **change))

    assert (reply.status_code, reply.json["error"]) == (401 if error == "invalid_client" else 400, error)
    assert "access_token" not in reply.json


def test_a_code_lives_a_minute(sandbox: Any) -> None:
    """A code is good for 59 seconds and refused after 60."""
    early, late = sandbox.code(), sandbox.code()

    sandbox.clock.now += 59
    in_time = sandbox.token(**sandbox.code_form(early))
    sandbox.clock.now += 1
    too_late = sandbox.token(**sandbox.code_form(late))

    assert in_time.status_code == 200
    assert too_late.json["error"] == "invalid_grant"


def test_a_second_use_of_a_code_revokes_what_it_brought(sandbox: Any) -> None:
    """Showing a code twice ends the access and the refresh token of its first use."""
    code = sandbox.code()
    first = sandbox.token(**sandbox.code_form(code)).json

    second = sandbox.token(**sandbox.code_form(code))
    refreshed = sandbox.token(
        grant_type="refresh_token", refresh_token=first["refresh_token"], **sandbox.proof("clinician")
    )

    assert second.json["error"] == "invalid_grant"
    assert sandbox.grants.access(first["access_token"]) is None
    assert refreshed.json["error"] == "invalid_grant"


def test_a_second_use_leaves_other_launches_alone(sandbox: Any) -> None:
    """Misuse of one code does not end the tokens of another launch of the same client."""
    other, code = sandbox.launched(), sandbox.code()

    for _ in range(2):
        sandbox.token(**sandbox.code_form(code))

    assert sandbox.grants.access(other["access_token"])


def test_a_failed_attempt_uses_the_code_up(sandbox: Any) -> None:
    """A wrong verifier cannot be followed by a right one."""
    code = sandbox.code()
    sandbox.token(**sandbox.code_form(code, code_verifier="w" * 43))

    again = sandbox.token(**sandbox.code_form(code))

    assert again.json["error"] == "invalid_grant"


def test_a_code_belongs_to_its_client(sandbox: Any) -> None:
    """Another client, rightly authenticated, cannot use a stolen code."""
    form = sandbox.code_form(sandbox.code(), client_assertion=None, client_assertion_type=None, client_id="patient")

    reply = sandbox.token(**form)

    assert reply.json["error"] == "invalid_grant"


def test_codes_are_bound_to_their_own_challenge(sandbox: Any) -> None:
    """A code of one session does not work with the verifier of another (code injection)."""
    injected = sandbox.code(code_challenge="A" * 43)

    reply = sandbox.token(**sandbox.code_form(injected))

    assert reply.json["error"] == "invalid_grant"


def test_simultaneous_uses_of_a_code_leave_no_token(sandbox: Any) -> None:
    """Eight clients racing with one code: at most one is served, and the misuse ends even that token."""
    code = sandbox.code()
    forms = [sandbox.code_form(code) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda form: sandbox.app.test_client().post("/auth/token", data=form).json, forms))

    tokens = [reply["access_token"] for reply in replies if "access_token" in reply]
    assert len(tokens) == 1
    assert sandbox.grants.access(tokens[0]) is None


def test_a_doubled_field_is_refused(sandbox: Any) -> None:
    """A token request with a field sent twice is invalid."""
    form = sandbox.code_form(sandbox.code())

    reply = sandbox.browser.post("/auth/token", data={**form, "code": [form["code"], "other"]})

    assert reply.json["error"] == "invalid_request"


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_the_token_endpoint_takes_posts_only(sandbox: Any, method: str) -> None:
    """Other methods than POST are not allowed."""
    assert getattr(sandbox.browser, method)("/auth/token").status_code == 405


def test_json_is_not_a_token_request(sandbox: Any) -> None:
    """A JSON body is not read: the fields are missing."""
    reply = sandbox.browser.post("/auth/token", json=sandbox.code_form(sandbox.code()))

    assert reply.json["error"] == "invalid_request"
