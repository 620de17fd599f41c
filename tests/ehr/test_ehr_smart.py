"""The SMART handshake, with an authorization server that may cheat."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt

from fhir_alliance.ehr.authorize import Authorization
from fhir_alliance.ehr.authorize import begin_launch as begin_authorization
from fhir_alliance.ehr.launches import Granted, PendingLaunch
from fhir_alliance.ehr.smart import finish_launch, refresh, wants_wider_scopes
from fhir_alliance.errors import (
    AllianceError,
    AuthorizationRefused,
    EhrError,
    EhrUnreachable,
    FhirError,
    InvalidIdToken,
    LaunchError,
    SignInNeeded,
    StateMismatch,
    UnknownIssuer,
)
from fhir_alliance.settings import EhrSettings

CANARY = "canary-token-7f3a"
REDIRECT = "https://app.example.invalid/callback/harbor"


OFFERS = frozenset({"launch-ehr", "launch-standalone", "permission-online", "permission-v2", "authorize-post"})


def begin_launch(
    ehr: EhrSettings, *, offers: frozenset[str] = OFFERS, **options: Any
) -> tuple[Authorization, PendingLaunch]:
    """Begin a launch with an EHR that offers everything."""
    return begin_authorization(ehr, offers=offers, **options)


def query(url: str) -> dict[str, str]:
    """Return the parameters of a URL, each of which must occur once."""
    found = parse_qs(urlsplit(url).query, strict_parsing=True, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def test_an_ehr_launch_asks_for_everything_smart_wants(ehr: Any) -> None:
    """The authorize URL is the pinned one and holds S256, nonce, state, aud and launch, unaltered."""
    asked, pending = begin_launch(
        ehr, role="clinician", redirect_uri=REDIRECT, aud=f"{ehr.fhir_base}/", launch="a b&c/d="
    )
    url = asked.url

    challenge = urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
    assert url.startswith(f"{ehr.authorization_endpoint}?")
    assert query(url) == {
        "response_type": "code",
        "client_id": "alliance-clinician",
        "redirect_uri": REDIRECT,
        "scope": "launch openid fhirUser online_access user/Patient.r",
        "state": pending.state,
        "nonce": pending.nonce,
        "aud": f"{ehr.fhir_base}/",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "launch": "a b&c/d=",
    }
    assert (pending.ehr, pending.role, pending.kind) == ("harbor", "clinician", "ehr")
    assert pending.verifier not in repr(pending) + url
    assert len(pending.verifier) >= 43


def test_a_standalone_launch_asks_for_a_patient_instead(ehr: Any) -> None:
    """Without a launch value there is no launch parameter, and launch/patient takes the place of launch."""
    for role in ("patient", "clinician"):
        asked, pending = begin_launch(ehr, role=role, redirect_uri=REDIRECT, aud=ehr.fhir_base, launch=None)

        values = query(asked.url)
        assert "launch" not in values
        assert values["scope"].split()[:2] == ["launch/patient", "openid"]
        assert "launch" not in values["scope"].split()
        assert pending.kind == "standalone"


def test_a_patients_ehr_launch_asks_for_its_launch(ehr: Any) -> None:
    """A portal that launches with a launch value gets the scope launch."""
    asked, _ = begin_launch(ehr, role="patient", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch="x")

    assert query(asked.url)["scope"].split() == ["launch", "openid", "fhirUser", "patient/Patient.r"]


def test_no_two_launches_share_a_secret(ehr: Any) -> None:
    """State, nonce and verifier are new each time and hard to guess."""
    launches = [
        begin_launch(ehr, role="patient", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch=None)[1] for _ in range(100)
    ]

    secrets = {value for launch in launches for value in (launch.state, launch.nonce, launch.verifier)}
    assert len(secrets) == 300
    assert min(map(len, secrets)) >= 43


def test_a_launch_for_another_server_is_refused(ehr: Any) -> None:
    """An `aud` that is not this EHR, a role without a client and an odd launch value end the launch."""
    with pytest.raises(UnknownIssuer):
        begin_launch(ehr, role="clinician", redirect_uri=REDIRECT, aud="https://evil.example.invalid", launch="x")
    with pytest.raises(LaunchError):
        begin_launch(replace(ehr, patient=None), role="patient", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch=None)
    for launch in ("", "x" * 4097, "a\r\nb"):
        with pytest.raises(LaunchError):
            begin_launch(ehr, role="clinician", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch=launch)


def test_a_pending_launch_survives_storage(ehr: Any) -> None:
    """What was written as JSON is read back equal."""
    _, pending = begin_launch(ehr, role="clinician", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch="x")

    assert PendingLaunch.from_json(pending.to_json()) == pending


@pytest.fixture
def pending(ehr: Any) -> PendingLaunch:
    """Return a launch that waits for its answer."""
    return begin_launch(ehr, role="clinician", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch="x")[1]


@pytest.fixture
def finish(registry: Any, ehr: Any, pending: PendingLaunch, now: datetime) -> Any:
    """Return the second step; the callback's query can be changed, and `...` leaves a parameter out."""

    def run(begun: PendingLaunch = pending, /, **changes: Any) -> Granted:
        args = {"state": begun.state, "code": "code-1", **changes}
        given = {name: value for name, value in args.items() if value is not ...}
        return finish_launch(registry, ehr, begun, given, now=now)

    return run


@pytest.fixture
def says(server: Any, pending: PendingLaunch, id_tokens: Any) -> Any:
    """Return a way to set the token response; `...` leaves a member out, `id` changes the id_token's claims."""

    def run(*, status: int = 200, id: dict[str, Any] | None = None, **changes: Any) -> None:  # noqa: A002
        values = {
            "access_token": CANARY,
            "refresh_token": f"{CANARY}-2",
            "token_type": "Bearer",
            "expires_in": 900,
            "scope": "launch openid fhirUser user/Patient.r",
            "patient": "maria-lopez",
            "id_token": id_tokens.make(**{"nonce": pending.nonce, **(id or {})}),
        }
        body = {name: value for name, value in {**values, **changes}.items() if value is not ...}
        server.on("POST", "/auth/token", body, status=status)

    return run


def test_a_launch_brings_tokens_user_and_context(
    finish: Any, says: Any, server: Any, pending: Any, ehr: Any, keys: Any, now: datetime
) -> None:
    """The code is exchanged with verifier and proof, and all of the answer arrives in one value."""
    says(
        encounter="visit-14",
        need_patient_banner=False,
        smart_style_url="https://ehr.example.invalid/style.json",
        intent="check-in",
        fhirContext=[{"reference": "Task/1"}, "ImagingStudy/2", 7],
        tenant="x",
    )

    granted = finish(iss=ehr.issuer)

    form = server.seen[0].form
    assert (
        jwt.decode(form.pop("client_assertion"), keys.ec384, algorithms=["ES384"]).claims["aud"] == ehr.token_endpoint
    )
    assert form.pop("client_assertion_type").endswith("jwt-bearer")
    assert form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": REDIRECT,
        "code_verifier": pending.verifier,
    }
    assert (granted.access_token, granted.refresh_token) == (CANARY, f"{CANARY}-2")
    assert granted.expires_at == now + timedelta(seconds=900)
    assert granted.scopes == {"launch", "openid", "fhirUser", "user/Patient.r"}
    assert (granted.patient, granted.encounter, granted.user.reference) == (
        "maria-lopez", "visit-14", "Practitioner/ada-okafor",
    )  # fmt: skip
    assert (granted.need_patient_banner, granted.intent) == (False, "check-in")
    assert granted.style_url == "https://ehr.example.invalid/style.json"
    assert granted.fhir_context == ({"reference": "Task/1"}, {"reference": "ImagingStudy/2"})
    assert CANARY not in repr(granted)


def test_a_public_client_says_who_it_is_without_proof(
    registry: Any, ehr: Any, server: Any, id_tokens: Any, now: datetime
) -> None:
    """A client without a key sends its client_id and no assertion."""
    _, pending = begin_launch(ehr, role="patient", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch=None)
    token = id_tokens.make(nonce=pending.nonce, aud="alliance-patient", fhirUser=f"{ehr.fhir_base}/Patient/1")
    server.on("POST", "/auth/token", {"access_token": "t", "token_type": "bearer", "patient": "1", "id_token": token})

    granted = finish_launch(registry, ehr, pending, {"state": pending.state, "code": "c"}, now=now)

    assert server.seen[0].form["client_id"] == "alliance-patient"
    assert "client_assertion" not in server.seen[0].form
    assert granted.scopes == set(pending.scopes.split())
    assert (granted.user.kind, granted.refresh_token) == ("Patient", None)


CALLBACKS: list[tuple[dict[str, Any], type[AllianceError]]] = [
    ({"state": ...}, StateMismatch),
    ({"state": ""}, StateMismatch),
    ({"state": "x" * 43}, StateMismatch),
    ({"state": "é\udce9"}, StateMismatch),
    ({"state": ..., "error": "access_denied"}, StateMismatch),
    ({"iss": "https://other.example.invalid"}, StateMismatch),
    ({"iss": ""}, StateMismatch),
    ({"iss": "https://other.example.invalid", "error": "access_denied"}, StateMismatch),
    ({"error": "access_denied"}, AuthorizationRefused),
    ({"error": "access_denied", "code": ...}, AuthorizationRefused),
    ({"error": ""}, AuthorizationRefused),
    ({"code": ...}, AuthorizationRefused),
    ({"code": ""}, AuthorizationRefused),
    ({"code": "a\r\nb"}, AuthorizationRefused),
    ({"code": "x" * 4097}, AuthorizationRefused),
]


@pytest.mark.parametrize(("changes", "kind"), CALLBACKS, ids=lambda value: repr(value)[:60])
def test_a_callback_that_is_not_ours_asks_nobody(
    finish: Any, says: Any, server: Any, changes: dict[str, Any], kind: type[AllianceError]
) -> None:
    """A wrong state, another issuer, an error or no code ends the launch before any request."""
    says()

    with pytest.raises(kind) as caught:
        finish(**changes)

    assert type(caught.value) is kind
    assert server.seen == []


@pytest.mark.parametrize("more", [{}, {"error": "access_denied"}])
def test_an_answer_without_the_name_that_it_always_has_asks_nobody(
    finish: Any, says: Any, server: Any, pending: Any, ehr: Any, more: dict[str, Any]
) -> None:
    """Where the EHR says that each of its answers names it, one that does not is another server's (RFC 9207, T16)."""
    says()
    named = replace(pending, names_itself=True)

    with pytest.raises(StateMismatch):
        finish(named, **more)

    assert server.seen == []
    assert finish(named, iss=ehr.issuer).access_token == CANARY


def test_an_errors_text_is_not_repeated(finish: Any) -> None:
    """Of an error only its code is kept, and only when it looks like one."""
    with pytest.raises(AuthorizationRefused) as caught:
        finish(error="access_denied", error_description="Maria Lopez <script>")
    assert caught.value.detail == "access_denied"

    with pytest.raises(AuthorizationRefused) as caught:
        finish(error="<script>")
    assert caught.value.detail == ""


def test_a_launch_of_another_ehr_is_not_finished_here(
    registry: Any, ehr: Any, pending: PendingLaunch, server: Any, now: datetime
) -> None:
    """A state that belongs to a launch at another EHR is of no use here."""
    other = replace(pending, ehr="other")

    with pytest.raises(StateMismatch):
        finish_launch(registry, ehr, other, {"state": pending.state, "code": "c"}, now=now)

    assert server.seen == []


RESPONSES: dict[str, tuple[dict[str, Any], Any]] = {
    "no scope": ({"scope": ...}, {"launch", "openid", "fhirUser", "online_access", "user/Patient.r"}),
    "empty scope": ({"scope": ""}, set()),
    "fewer scopes": ({"scope": "openid"}, {"openid"}),
    "extra scopes": ({"scope": "openid user/*.cruds"}, {"openid", "user/*.cruds"}),
    "old scopes": ({"scope": "user/Patient.read"}, {"user/Patient.read"}),
    "scope as list": ({"scope": ["openid"]}, EhrError),
    "no patient": ({"patient": ...}, None),
    "null patient": ({"patient": None}, None),
    "patient as list": ({"patient": ["maria-lopez"]}, LaunchError),
    "patient as number": ({"patient": 7}, LaunchError),
    "empty patient": ({"patient": ""}, LaunchError),
    "patient dot": ({"patient": "."}, LaunchError),
    "patient dots": ({"patient": ".."}, LaunchError),
    "patient path": ({"patient": "1/../../Practitioner/2"}, LaunchError),
    "patient encoded": ({"patient": "1%2e%2e"}, LaunchError),
    "patient reference": ({"patient": "Patient/1"}, LaunchError),
    "patient newline": ({"patient": "1\n"}, LaunchError),
    "long patient": ({"patient": "x" * 65}, LaunchError),
    "encounter path": ({"encounter": "../1"}, LaunchError),
    "encounter as list": ({"encounter": []}, LaunchError),
    "no access token": ({"access_token": ...}, EhrError),
    "access token with newline": ({"access_token": "a\nb"}, EhrError),
    "no token type": ({"token_type": ...}, EhrError),
    "mac": ({"token_type": "mac"}, EhrError),
    "no id_token": ({"id_token": ...}, InvalidIdToken),
    "null id_token": ({"id_token": None}, InvalidIdToken),
    "id_token as object": ({"id_token": {}}, InvalidIdToken),
    "id_token of another launch": ({"id": {"nonce": "nonce-1"}}, InvalidIdToken),
    "id_token of another client": ({"id": {"aud": "alliance-patient"}}, InvalidIdToken),
    "id_token with a foreign at_hash": ({"id": {"at_hash": "x"}}, InvalidIdToken),
    "bad expires_in": ({"expires_in": "soon"}, EhrError),
}


@pytest.mark.parametrize(("changes", "expected"), RESPONSES.values(), ids=RESPONSES)
def test_odd_token_responses(finish: Any, says: Any, server: Any, changes: dict[str, Any], expected: Any) -> None:
    """Each odd token response has one outcome: granted scopes, no patient, or an error; no FHIR path is touched."""
    says(**changes)

    if isinstance(expected, type):
        with pytest.raises(expected):
            finish()
    elif expected is None:
        assert finish().patient is None
    else:
        assert finish().scopes == expected

    assert all(seen.path.startswith("/auth/") for seen in server.seen)


@pytest.mark.parametrize(
    "odd",
    [
        {"smart_style_url": "javascript:alert(1)", "intent": "", "fhirContext": {}, "need_patient_banner": "no"},
        {"smart_style_url": 7, "intent": "x" * 256, "fhirContext": "x", "need_patient_banner": None},
        {"smart_style_url": "style.json", "intent": ["x"], "fhirContext": [7, None], "need_patient_banner": 0},
        {},
    ],
)
def test_odd_looks_do_not_stop_a_launch(finish: Any, says: Any, odd: dict[str, Any]) -> None:
    """A style, intent, banner or fhirContext that makes no sense is left out; the banner is then ours to show."""
    says(**odd)

    granted = finish()

    assert (granted.style_url, granted.intent, granted.fhir_context) == (None, None, ())
    assert granted.need_patient_banner is True


def test_a_style_is_not_fetched(finish: Any, says: Any, sink: Any) -> None:
    """The address of a style is passed on, and nothing is asked of it."""
    says(smart_style_url=f"{sink.url}/style.json")

    assert finish().style_url == f"{sink.url}/style.json"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"error": "invalid_grant"}, 400, AuthorizationRefused),
        ({"error": "invalid_client"}, 401, AuthorizationRefused),
        (b"<html></html>", 403, AuthorizationRefused),
        (b"<html></html>", 500, FhirError),
        (b"<html></html>", 200, EhrUnreachable),
        (b"", 302, EhrError),
    ],
)
def test_a_refused_exchange(finish: Any, server: Any, body: Any, status: int, kind: type[AllianceError]) -> None:
    """A definite no to the code ends the launch; a failing server is told as such."""
    server.on("POST", "/auth/token", body, status=status)

    with pytest.raises(kind) as caught:
        finish()

    assert type(caught.value) is kind


def test_a_refresh_keeps_scopes_and_brings_new_tokens(registry: Any, ehr: Any, server: Any, now: datetime) -> None:
    """A refresh proves the client anew and sends no scope; what the server says about scopes is passed on."""
    server.on("POST", "/auth/token", {"access_token": CANARY, "token_type": "Bearer", "refresh_token": f"{CANARY}-2",
                                      "expires_in": 60, "scope": "openid"})  # fmt: skip
    server.on("POST", "/auth/token", {"access_token": CANARY, "token_type": "Bearer"})

    first = refresh(registry, ehr, ehr.clinician, "old", now=now)
    second = refresh(registry, ehr, ehr.patient, "old", now=now)

    assert set(server.seen[0].form) == {"grant_type", "refresh_token", "client_assertion", "client_assertion_type"}
    assert server.seen[1].form == {
        "grant_type": "refresh_token",
        "refresh_token": "old",
        "client_id": "alliance-patient",
    }
    assert (first.refresh_token, first.scopes, first.expires_at) == (
        f"{CANARY}-2", {"openid"}, now + timedelta(seconds=60),
    )  # fmt: skip
    assert (second.access_token, second.refresh_token, second.scopes) == (CANARY, None, None)
    assert CANARY not in repr(first)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"error": "invalid_grant"}, 400, SignInNeeded),
        ({"error": "invalid_client"}, 401, FhirError),
        (b"", 503, FhirError),
        ({"access_token": "t"}, 200, EhrError),
        (b"{", 200, EhrUnreachable),
    ],
)
def test_a_refused_refresh(
    registry: Any, ehr: Any, server: Any, now: datetime, body: Any, status: int, kind: type[EhrError]
) -> None:
    """Only invalid_grant asks for a new sign-in; all else leaves the refresh token for a later try."""
    server.on("POST", "/auth/token", body, status=status)

    with pytest.raises(kind) as caught:
        refresh(registry, ehr, ehr.clinician, "old", now=now)

    assert type(caught.value) is kind


@pytest.mark.parametrize("online", [True, False])
def test_online_access_is_asked_for_only_where_it_is_offered(ehr: EhrSettings, online: bool) -> None:
    """An EHR without `permission-online` is not asked for what it would refuse (S28)."""
    offers = OFFERS if online else OFFERS - {"permission-online"}

    asked, pending = begin_launch(
        ehr, role="clinician", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch="x", offers=offers
    )

    assert ("online_access" in pending.scopes) is online
    assert ("online_access" in asked.url) is online


def scoped(ehr: EhrSettings, scopes: str, **options: Any) -> tuple[Authorization, PendingLaunch]:
    """Begin a clinician's launch with other scopes."""
    changed = replace(ehr, clinician=replace(ehr.clinician, scopes=scopes))
    return begin_launch(changed, role="clinician", redirect_uri=REDIRECT, aud=ehr.fhir_base, launch="x", **options)


def test_an_ehr_without_v2_is_asked_in_v1(ehr: EhrSettings) -> None:
    """Without `permission-v2` the same is asked for in the old grammar (S33)."""
    _, pending = scoped(
        ehr, "launch openid user/Patient.r user/Observation.crus?category=survey", offers=frozenset({"permission-v1"})
    )

    assert pending.scopes == "launch openid user/Patient.read user/Observation.read user/Observation.write"


MANY = " ".join(f"user/Observation.crus?code=http://loinc.org|{number}" for number in range(10000, 10040))


@pytest.mark.parametrize(
    ("scopes", "offers", "by_post"),
    [
        (MANY, OFFERS, True),
        (MANY, OFFERS - {"authorize-post"}, False),
        ("user/Patient.r", OFFERS, False),
    ],
)
def test_only_a_long_request_is_posted(ehr: EhrSettings, scopes: str, offers: frozenset[str], by_post: bool) -> None:
    """A request too long for an address goes as a form where the EHR says it may; GET is used everywhere else (S14)."""
    asked, _ = scoped(ehr, scopes, offers=offers)

    assert asked.by_post is by_post
    assert query(asked.url) == asked.fields


@pytest.mark.parametrize(
    ("scopes", "error", "widened", "again"),
    [
        ("user/Observation.crus?category=survey", "invalid_scope", False, True),
        ("user/Observation.crus?category=survey", "invalid_scope", True, False),
        ("user/Observation.crus?category=survey", "access_denied", False, False),
        ("user/Observation.crus", "invalid_scope", False, False),
    ],
)
def test_refused_filters_are_tried_once_without(
    ehr: EhrSettings, scopes: str, error: str, widened: bool, again: bool
) -> None:
    """A server that refuses granular write scopes is asked once more without filters, and not a third time (S33)."""
    _, pending = scoped(ehr, scopes, widened=False)
    pending = replace(pending, widened=widened)

    assert wants_wider_scopes(ehr, pending, {"state": pending.state, "error": error}) is again


def test_a_refusal_with_another_state_starts_nothing(ehr: EhrSettings) -> None:
    """An error that belongs to no launch of this browser does not begin another authorization."""
    _, pending = scoped(ehr, "user/Observation.crus?category=survey")

    with pytest.raises(StateMismatch):
        wants_wider_scopes(ehr, pending, {"state": "other", "error": "invalid_scope"})


def test_the_second_try_asks_for_write_scopes_whole(ehr: EhrSettings) -> None:
    """Filters go from what may be written; what is only read stays as narrow as it was."""
    _, pending = scoped(ehr, "user/Observation.crus?a=b user/Observation.crus?a=c user/Condition.rs?a=b", widened=True)

    assert pending.scopes == "launch user/Observation.crus user/Condition.rs?a=b"
    assert pending.widened
