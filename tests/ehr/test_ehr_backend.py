"""Client assertions and tokens for the app itself."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from fhir_alliance.ehr.backend import backend_token, client_assertion
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.errors import ClockDiffers, EhrError, EhrUnreachable, FhirError, InvalidSettings, SignInNeeded

CANARY = "canary-token-7f3a"
AUDIENCE = "https://ehr.example.invalid/token"


def written(path: Path, key: Any, **members: Any) -> Path:
    """Write a private key as a JWK."""
    path.write_text(json.dumps({**key.as_dict(private=True), **members}))
    return path


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_an_assertion_is_signed_as_smart_wants_it(
    ehr: Any, keys: Any, now: datetime, tmp_path: Path, algorithm: str
) -> None:
    """RS384 and ES384 assertions verify with the public key and hold the claims of SMART App Launch 2.2."""
    key = {"RS384": keys.rsa, "ES384": keys.ec384}[algorithm]
    client = replace(ehr.backend, key_file=written(tmp_path / "k.json", key))

    token = jwt.decode(client_assertion(client, audience=AUDIENCE, now=now), key, algorithms=[algorithm])

    issued = int(now.timestamp()) - 30
    assert token.header == {"typ": "JWT", "alg": algorithm, "kid": key.kid}
    assert token.claims["iss"] == token.claims["sub"] == "alliance-backend"
    assert token.claims["aud"] == AUDIENCE
    assert (token.claims["iat"], token.claims["nbf"], token.claims["exp"]) == (issued, issued, issued + 240)


def test_no_two_assertions_share_a_jti(ehr: Any, keys: Any, now: datetime) -> None:
    """A thousand assertions have a thousand identifiers."""
    made = [client_assertion(ehr.backend, audience=AUDIENCE, now=now) for _ in range(1000)]

    found = {jwt.decode(one, keys.ec384, algorithms=["ES384"]).claims["jti"] for one in made}

    assert len(found) == 1000


def test_two_ehrs_get_different_proofs(ehr: Any, keys: Any, now: datetime, tmp_path: Path) -> None:
    """With a key per EHR, neither kid nor audience of one proof fits the other EHR."""
    other = replace(ehr.backend, key_file=written(tmp_path / "k.json", keys.rsa))

    one = jwt.decode(client_assertion(ehr.backend, audience=AUDIENCE, now=now), keys.ec384, algorithms=["ES384"])
    two = jwt.decode(client_assertion(other, audience=f"{AUDIENCE}2", now=now), keys.rsa, algorithms=["RS384"])

    assert one.header["kid"] != two.header["kid"]
    assert one.claims["aud"] != two.claims["aud"]


KEYS: dict[str, Any] = {
    "not json": b"-----BEGIN PRIVATE KEY-----",
    "a list": b"[]",
    "nothing": b"{}",
    "symmetric": OctKey.generate_key(256, auto_kid=True).as_dict(private=True),
    "public": ECKey.generate_key("P-384", auto_kid=True).as_dict(private=False),
    "other curve": ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True),
    "other kind": OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=True),
    "no kid": ECKey.generate_key("P-384").as_dict(private=True),
    "other alg": {**RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True), "alg": "RS256"},
    "broken": {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "d": "AA", "kid": "1"},
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_that_cannot_sign_is_told_by_its_file(ehr: Any, now: datetime, tmp_path: Path, key: Any) -> None:
    """A key file that is no private RSA or P-384 JWK with a kid is named, and nothing of it is shown."""
    path = tmp_path / "secret.json"
    path.write_bytes(key if isinstance(key, bytes) else json.dumps(key).encode())

    with pytest.raises(InvalidSettings, match=r"secret\.json") as caught:
        client_assertion(replace(ehr.backend, key_file=path), audience=AUDIENCE, now=now)

    assert str(tmp_path) not in str(caught.value)


def test_a_missing_key_is_told(ehr: Any, now: datetime, tmp_path: Path) -> None:
    """A client without a key, or whose key file is gone, cannot sign."""
    for key_file in (None, tmp_path / "gone.json"):
        with pytest.raises(InvalidSettings):
            client_assertion(replace(ehr.backend, key_file=key_file), audience=AUDIENCE, now=now)


def answer(**changes: Any) -> dict[str, Any]:
    """Return a token response; a member given as `...` is left out."""
    values = {"access_token": CANARY, "token_type": "bearer", "expires_in": 300, "scope": "system/Questionnaire.crus"}
    return {name: value for name, value in {**values, **changes}.items() if value is not ...}


def test_a_backend_token_is_asked_for_with_proof(
    ehr: Any, registry: Any, server: Any, keys: Any, now: datetime
) -> None:
    """The grant is client credentials with scope and assertion, without client_id; the token is not shown."""
    server.on("POST", "/auth/token", answer(scope="system/Questionnaire.rs"))

    token = backend_token(registry, ehr, ehr.backend, "system/Questionnaire.crus", now=now)

    form = server.seen[0].form
    proof = jwt.decode(form.pop("client_assertion"), keys.ec384, algorithms=["ES384"])
    assert proof.claims["aud"] == ehr.token_endpoint
    assert form == {
        "grant_type": "client_credentials",
        "scope": "system/Questionnaire.crus",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert (token.access_token, token.expires_at) == (CANARY, now + timedelta(seconds=300))
    assert token.scopes == {"system/Questionnaire.rs"}
    assert CANARY not in repr(token)


@pytest.mark.parametrize(
    ("seconds", "signs", "status", "error", "raised"),
    [
        (91, True, 401, "invalid_client", ClockDiffers),
        (-91, True, 400, "invalid_request", ClockDiffers),
        (91, True, 403, "", ClockDiffers),
        (90, True, 401, "invalid_client", FhirError),
        (-90, True, 401, "invalid_client", FhirError),
        (91, True, 400, "invalid_scope", FhirError),
        (91, True, 400, "invalid_grant", SignInNeeded),
        (91, True, 500, "", FhirError),
        (91, False, 401, "invalid_client", FhirError),
    ],
)
def test_a_clock_that_differs_is_told_apart(
    ehr: Any, registry: Any, server: Any, now: datetime, seconds: int, signs: bool, status: int, error: str, raised: Any
) -> None:
    """Where a proof is refused by an EHR whose clock is more than 90 seconds off, that is why; the log says it."""
    server.clock = now + timedelta(seconds=seconds)
    server.on("POST", "/auth/token", {"error": error}, status)
    client = ehr.backend if signs else replace(ehr.backend, key_file=None)

    with capture_logs() as log, pytest.raises(EhrError) as caught:
        backend_token(registry, ehr, client, "system/a.r", now=now)

    assert type(caught.value) is raised
    side = "ahead of" if seconds > 0 else "behind"
    told = {"code": "ehr.clock", "ehr": ehr.name, "detail": f"the EHR's clock is {abs(seconds)} s {side} ours"}
    assert [told.items() <= entry.items() for entry in log] == [True] * (abs(seconds) > 90)


def test_a_clock_that_differs_is_told_while_it_still_works(ehr: Any, registry: Any, server: Any, now: datetime) -> None:
    """The log has it before the EHR refuses anything."""
    server.clock = now - timedelta(minutes=2)
    server.on("POST", "/auth/token", answer())

    with capture_logs() as log:
        backend_token(registry, ehr, ehr.backend, "system/a.r", now=now)

    assert [entry["detail"] for entry in log] == ["the EHR's clock is 120 s behind ours"]


def test_scopes_left_out_are_those_asked_for(ehr: Any, registry: Any, server: Any, now: datetime) -> None:
    """RFC 6749: a response without scope grants what was asked for."""
    server.on("POST", "/auth/token", answer(scope=...))

    token = backend_token(registry, ehr, ehr.backend, "system/a.r system/b.r", now=now)

    assert token.scopes == {"system/a.r", "system/b.r"}


@pytest.mark.parametrize(
    ("body", "status", "kind", "detail"),
    [
        ({"error": "invalid_client", "error_description": "Maria"}, 401, FhirError, "HTTP 401 invalid_client"),
        ({"error": "invalid_scope"}, 400, FhirError, "HTTP 400 invalid_scope"),
        ({"error": "invalid_grant"}, 400, SignInNeeded, "HTTP 400 invalid_grant"),
        ({"error": "Maria Lopez"}, 400, FhirError, "HTTP 400"),
        ([], 400, FhirError, "HTTP 400"),
        (b"<html>Maria</html>", 503, FhirError, "HTTP 503"),
    ],
)
def test_a_refusal_says_the_oauth_error(
    ehr: Any, registry: Any, server: Any, now: datetime, body: Any, status: int, kind: type[FhirError], detail: str
) -> None:
    """Of a refusal the status, the error code and Retry-After are kept."""
    server.on("POST", "/auth/token", body, status=status, Retry_After="7")

    with pytest.raises(FhirError) as caught:
        backend_token(registry, ehr, ehr.backend, "system/a.r", now=now)

    assert type(caught.value) is kind
    assert (caught.value.detail, caught.value.retry_after) == (detail, "7")


@pytest.mark.parametrize("body", [b"", b"<html></html>", [], "token", b'{"access_token": "a", "access_token": "b"}'])
def test_an_answer_that_is_no_token_response_is_unreachable(
    ehr: Any, registry: Any, server: Any, now: datetime, body: Any
) -> None:
    """A 200 without a JSON object is no answer."""
    server.on("POST", "/auth/token", body)

    with pytest.raises(EhrUnreachable):
        backend_token(registry, ehr, ehr.backend, "system/a.r", now=now)


ODD: list[dict[str, Any]] = [
    {"access_token": ...},
    {"access_token": ""},
    {"access_token": 7},
    {"access_token": "a b"},
    {"access_token": "a\r\nX-Evil: 1"},
    {"access_token": "é"},
    {"access_token": "x" * 16385},
    {"token_type": ...},
    {"token_type": "mac"},
    {"token_type": 7},
    {"scope": ["system/a.r"]},
    {"scope": 7},
    {"expires_in": 0},
    {"expires_in": -1},
    {"expires_in": 3.5},
    {"expires_in": True},
    {"expires_in": "soon"},
    {"expires_in": [300]},
    {"refresh_token": 7},
    {"refresh_token": "a b"},
]


@pytest.mark.parametrize("changes", ODD, ids=repr)
def test_an_odd_token_response_is_not_used(
    ehr: Any, registry: Any, server: Any, now: datetime, changes: dict[str, Any]
) -> None:
    """One odd part, and the token is not used."""
    server.on("POST", "/auth/token", answer(**changes))

    with pytest.raises(EhrError):
        backend_token(registry, ehr, ehr.backend, "system/a.r", now=now)


@pytest.mark.parametrize(
    ("expires_in", "seconds"), [(300, 300), ("300", 300), (..., 3600), (None, 3600), (10**9, 86400)]
)
def test_how_long_a_token_lives(
    ehr: Any, registry: Any, server: Any, now: datetime, expires_in: Any, seconds: int
) -> None:
    """A life as number or text counts, none is an hour, and no token is trusted longer than a day."""
    server.on("POST", "/auth/token", answer(expires_in=expires_in, token_type="Bearer"))

    token = backend_token(registry, ehr, ehr.backend, "system/a.r", now=now)

    assert token.expires_at == now + timedelta(seconds=seconds)


def test_a_redirect_takes_no_secret_along(ehr: Any, registry: Any, server: Any, sink: Any, now: datetime) -> None:
    """A token endpoint that redirects gets its assertion carried nowhere else."""
    server.on("POST", "/auth/token", b"", status=307, Location=f"{sink.url}/token")

    with pytest.raises(EhrError, match="redirect"):
        backend_token(registry, ehr, ehr.backend, "system/a.r", now=now)


def test_a_secret_goes_by_basic_and_never_in_the_body(
    ehr: Any, registry: Any, server: Any, now: datetime, tmp_path: Path
) -> None:
    """A symmetric client sends exactly base64(id:secret), and neither id nor secret in the form (S21, S22)."""
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text("s3cret+/=")
    server.on("POST", "/auth/token", answer())

    backend_token(registry, ehr, replace(ehr.backend, key_file=None, secret_file=path), "system/a.r", now=now)

    assert server.seen[0].headers["authorization"] == "Basic YWxsaWFuY2UtYmFja2VuZDpzM2NyZXQrLz0="
    assert server.seen[0].form == {"grant_type": "client_credentials", "scope": "system/a.r"}


@pytest.mark.parametrize(("seconds", "asked"), [(269, 1), (270, 2), (301, 2)])
def test_a_token_is_renewed_before_it_ends(
    registry: Any, ehr: Any, server: Any, now: datetime, seconds: int, asked: int
) -> None:
    """One that would end on its way to the EHR is not sent any more: half a minute early there is a new one (S50)."""
    server.on("POST", "/auth/token", {"access_token": "t", "token_type": "bearer", "expires_in": 300, "scope": "x"})
    clock = iter([now, now + timedelta(seconds=seconds), now + timedelta(seconds=seconds)])
    tokens = BackendTokens(registry, lambda: next(clock))

    for _ in range(2):
        tokens.token(ehr)

    assert len(server.seen) == asked
