"""The authorization request of an EHR launch."""

from typing import Any

import pytest


def test_an_ehr_launch_is_granted_without_asking(sandbox: Any) -> None:
    """A right request goes straight back to the app with a code and its state."""
    response = sandbox.authorize(sandbox.ehr_request())

    assert response.headers["Location"].startswith("https://app.example.invalid/callback?code=")
    assert set(sandbox.sent_back(response)) == {"code", "state"}
    assert sandbox.sent_back(response)["state"] == "s-1"


def test_a_form_post_works_as_well(sandbox: Any) -> None:
    """The request may come as a form POST (authorize-post)."""
    response = sandbox.browser.post("/auth/authorize", data=sandbox.ehr_request())

    assert "code" in sandbox.sent_back(response)


def test_the_query_of_a_redirect_uri_is_kept(sandbox: Any) -> None:
    """A registered redirect URI with a query keeps it beside the code."""
    other = "https://app.example.invalid/other?tenant=1"

    response = sandbox.authorize(sandbox.ehr_request(redirect_uri=other))

    assert sandbox.sent_back(response)["tenant"] == "1"
    assert "code" in sandbox.sent_back(response)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": ""},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example.invalid/callback"},
        {"redirect_uri": "https://app.example.invalid/callback/"},
        {"redirect_uri": "https://app.example.invalid/callback?x=1"},
        {"redirect_uri": "https://APP.example.invalid/callback"},
        {"redirect_uri": "https://patient.example.invalid/callback"},
        {"client_id": "system"},
    ],
)
def test_an_untrusted_client_gets_a_page_and_no_redirect(sandbox: Any, change: dict[str, str | None]) -> None:
    """An unknown client or a redirect URI that is not registered, byte for byte, is never sent anywhere."""
    response = sandbox.authorize(sandbox.ehr_request(**change))

    assert response.status_code == 400
    assert "Location" not in response.headers
    assert "not registered" in response.text
    assert "evil" not in response.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_doubled_client_or_redirect_uri_is_untrusted(sandbox: Any, name: str) -> None:
    """Two values of what decides where to go are refused on the spot."""
    params = sandbox.ehr_request()

    response = sandbox.browser.get("/auth/authorize", query_string=[*params.items(), (name, params[name])])

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"state": None}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "v" * 42 + "é"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "http://ehr.example.invalid/fhir/"}, "invalid_request"),
        ({"aud": "http://evil.example.invalid/fhir"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"launch": "guessed"}, "invalid_request"),
        ({"launch": ""}, "invalid_request"),
    ],
)
def test_a_broken_request_is_sent_back(sandbox: Any, change: dict[str, str | None], error: str) -> None:
    """Each rule of the request, broken, brings its OAuth error back to the app, with the state when there was one."""
    response = sandbox.authorize(sandbox.ehr_request(**change))

    reply = sandbox.sent_back(response)
    assert response.headers["Location"].startswith("https://app.example.invalid/callback?")
    assert reply["error"] == error
    assert reply.get("state") == ("s-1" if "state" not in change else None)
    assert "code" not in reply


def test_a_doubled_parameter_is_refused(sandbox: Any) -> None:
    """A parameter sent twice is an invalid request."""
    params = sandbox.ehr_request()

    response = sandbox.browser.get("/auth/authorize", query_string=[*params.items(), ("scope", "openid")])

    assert sandbox.sent_back(response)["error"] == "invalid_request"


def test_a_client_without_the_code_grant_is_refused(sandbox: Any) -> None:
    """A backend service that has a redirect URI may still not use the code grant."""
    response = sandbox.authorize(
        sandbox.ehr_request(client_id="backend", redirect_uri="https://backend.example.invalid/callback")
    )

    assert sandbox.sent_back(response)["error"] == "unauthorized_client"


def test_a_launch_value_works_once(sandbox: Any) -> None:
    """The launch value of one launch cannot start a second one."""
    launch = sandbox.launch()
    first = sandbox.sent_back(sandbox.authorize(sandbox.ehr_request(launch=launch)))

    second = sandbox.sent_back(sandbox.authorize(sandbox.ehr_request(launch=launch)))

    assert "code" in first
    assert second["error"] == "invalid_request"


def test_a_launch_value_lives_five_minutes(sandbox: Any) -> None:
    """A launch value is good just under five minutes and refused after."""
    early, late = sandbox.launch(), sandbox.launch()

    sandbox.clock.now += 299
    in_time = sandbox.sent_back(sandbox.authorize(sandbox.ehr_request(launch=early)))
    sandbox.clock.now += 1
    too_late = sandbox.sent_back(sandbox.authorize(sandbox.ehr_request(launch=late)))

    assert "code" in in_time
    assert too_late["error"] == "invalid_request"


def test_a_refused_request_does_not_use_the_launch_up(sandbox: Any) -> None:
    """A launch value sent with a broken request still works in the right one."""
    launch = sandbox.launch()
    sandbox.authorize(sandbox.ehr_request(launch=launch, aud="http://evil.example.invalid/fhir"))

    again = sandbox.sent_back(sandbox.authorize(sandbox.ehr_request(launch=launch)))

    assert "code" in again


def test_scopes_are_limited_to_registration_and_launch(sandbox: Any) -> None:
    """Scopes that are not registered, or belong to another kind of launch, are not granted."""
    asked = "launch launch/patient openid offline_access user/Patient.cruds user/Encounter.r system/Patient.r"

    granted = sandbox.launched(scope=asked)["scope"]

    assert granted == "launch openid user/Patient.r"


def test_nothing_grantable_is_an_error(sandbox: Any) -> None:
    """When nothing of the request can be granted the app gets invalid_scope, not an empty token."""
    params = sandbox.standalone_request(scope="user/Encounter.r")
    sandbox.signed_in("Practitioner/vera")

    response = sandbox.press(sandbox.authorize(params), decision="allow")

    assert sandbox.sent_back(response)["error"] == "invalid_scope"
