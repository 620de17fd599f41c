"""private_key_jwt and client_credentials: what proves a client, and what a backend service gets."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from joserfc import jws

SCOPE = "system/Observation.rs"


def ask(sandbox: Any, proof: dict[str, str], **form: str) -> Any:
    """Ask for a system token and return the JSON of the answer."""
    return sandbox.token(**{"grant_type": "client_credentials", "scope": SCOPE} | form, **proof).json


def ask_with(sandbox: Any, header: dict[str, Any], sign: Callable[[bytes], bytes]) -> Any:
    """Ask with a right assertion under a header and a signature of the test's own making."""
    payload = sandbox.assertion("system").split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    signature = base64.urlsafe_b64encode(sign(f"{head}.{payload}".encode())).rstrip(b"=").decode()
    forged = {"client_assertion": f"{head}.{payload}.{signature}"}
    return ask(sandbox, sandbox.proof("system") | forged)


@pytest.mark.parametrize("alg", ["RS384", "ES384"])
def test_both_algorithms_work(sandbox: Any, alg: str) -> None:
    """RS384 and ES384 assertions both bring a system token, without user, context or refresh token."""
    reply = ask(sandbox, sandbox.proof("system", alg=alg))

    access = sandbox.grants.access(reply["access_token"])
    assert {name: reply[name] for name in reply if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": SCOPE,
    }
    assert (access.client_id, access.scopes, access.user, access.patient) == ("system", (SCOPE,), None, None)


@pytest.mark.parametrize("audience", ["/auth/token", "/fhir"])
def test_the_token_endpoint_and_the_issuer_are_audiences(sandbox: Any, audience: str) -> None:
    """An assertion may be addressed to the token endpoint or to the issuer, also in a list."""
    one = ask(sandbox, sandbox.proof("system", aud=f"{sandbox.base}{audience}"))
    listed = ask(sandbox, sandbox.proof("system", aud=[f"{sandbox.base}{audience}"]))

    assert "access_token" in one
    assert "access_token" in listed


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "clinician"},
        {"iss": None},
        {"sub": None},
        {"sub": "nobody"},
        {"sub": "patient", "iss": "patient"},
        {"sub": 7},
        {"aud": None},
        {"aud": "http://evil.example.invalid/auth/token"},
        {"aud": "http://ehr.example.invalid/auth/token/"},
        {"aud": 7},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"header": {"kid": None}},
        {"header": {"kid": "unknown"}},
        {"header": {"typ": "at+jwt"}},
    ],
    ids=str,
)
def test_a_broken_assertion_is_refused(sandbox: Any, change: dict[str, Any]) -> None:
    """Each rule of the client assertion, broken, is an invalid client."""
    assert ask(sandbox, sandbox.proof("system", **change))["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("claim", "offset", "good"),
    [
        ("exp", 300, True),
        ("exp", 301, False),
        ("exp", 1, True),
        ("exp", 0, False),
        ("exp", -30, False),
        ("iat", 60, True),
        ("iat", 61, False),
        ("nbf", 61, False),
    ],
)
def test_an_assertion_lives_at_most_five_minutes(sandbox: Any, claim: str, offset: int, good: bool) -> None:
    """The end lies within the next five minutes; issue times may be a minute ahead, no more."""
    reply = ask(sandbox, sandbox.proof("system", **{claim: int(sandbox.clock.now) + offset}))

    assert ("access_token" in reply) is good
    assert reply.get("error", "invalid_client") == "invalid_client"


def test_a_jti_works_once_per_client(sandbox: Any) -> None:
    """The same assertion, or another one with its jti, is refused; another client may use the same jti."""
    proof = sandbox.proof("system", jti="same")
    first = ask(sandbox, proof)

    replayed = ask(sandbox, proof)
    repeated = ask(sandbox, sandbox.proof("system", jti="same"))
    other = sandbox.token(**sandbox.code_form(sandbox.code(), **sandbox.proof("clinician", jti="same")))

    assert "access_token" in first
    assert replayed["error"] == repeated["error"] == "invalid_client"
    assert other.status_code == 200


def test_a_jti_is_remembered_as_long_as_its_assertion_lives(sandbox: Any) -> None:
    """An assertion replayed in its last second is still a replay."""
    proof = sandbox.proof("system", exp=int(sandbox.clock.now) + 300)
    ask(sandbox, proof)

    sandbox.clock.now += 299

    assert ask(sandbox, proof)["error"] == "invalid_client"


def test_a_strangers_signature_is_refused(sandbox: Any) -> None:
    """A key that is not registered cannot sign, not even under a registered kid, and `jwk` in the header is no key."""
    registered = sandbox.key("RS384").kid
    stranger = {"key": sandbox.stranger, "header": {"kid": registered}}
    embedded = {
        "key": sandbox.stranger,
        "header": {"kid": registered, "jwk": sandbox.stranger.as_dict(private=False)},
    }

    replies = [ask(sandbox, sandbox.proof("system", **forged)) for forged in (stranger, embedded)]

    assert [reply["error"] for reply in replies] == ["invalid_client"] * 2


def test_weak_algorithms_are_refused(sandbox: Any) -> None:
    """Neither an unsigned assertion, nor one signed with the public key as a secret, nor RS256 passes."""
    key = sandbox.key("RS384")
    public = key.as_pem(private=False)
    signers = {
        "none": lambda _: b"",
        "HS256": lambda text: hmac.digest(public, text, "sha256"),
        "RS256": lambda text: key.private_key.sign(text, PKCS1v15(), SHA256()),
    }

    replies = [ask_with(sandbox, {"alg": alg, "kid": key.kid, "typ": "JWT"}, sign) for alg, sign in signers.items()]

    assert [reply["error"] for reply in replies] == ["invalid_client"] * 3


def test_an_unknown_critical_header_is_refused(sandbox: Any) -> None:
    """A header that must be understood and is not makes the assertion invalid; without it the same one passes."""
    key = sandbox.key("RS384")
    header = {"alg": "RS384", "kid": key.kid, "typ": "JWT"}

    def sign(text: bytes) -> bytes:
        return bytes(key.private_key.sign(text, PKCS1v15(), SHA384()))

    critical = ask_with(sandbox, header | {"crit": ["strange"], "strange": 1}, sign)
    plain = ask_with(sandbox, header, sign)

    assert critical["error"] == "invalid_client"
    assert "access_token" in plain


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "e30.W10.c2ln", "." * 20, "e30.e30.e30.e30.e30"])
def test_what_is_no_jwt_is_refused(sandbox: Any, text: str) -> None:
    """Nonsense in place of an assertion is an invalid client, never a failure of the server."""
    proof = sandbox.proof("system") | {"client_assertion": text}

    assert ask(sandbox, proof)["error"] == "invalid_client"


def test_the_key_must_be_named_even_when_there_is_one(sandbox: Any) -> None:
    """An assertion without a kid is refused also when the client has a single key."""
    named = ask(sandbox, sandbox.proof("lone-key"))
    unnamed = ask(sandbox, sandbox.proof("lone-key", header={"kid": None}))

    assert "access_token" in named
    assert unnamed["error"] == "invalid_client"


def test_a_payload_that_is_no_object_is_refused(sandbox: Any) -> None:
    """A signed JWT whose payload is a list, or no JSON, is refused."""
    key = sandbox.key("RS384")
    header = {"alg": "RS384", "kid": key.kid, "typ": "JWT"}

    for payload in (b"[]", b"no json"):
        forged = jws.serialize_compact(header, payload, key, algorithms=["RS384"])
        proof = sandbox.proof("system") | {"client_assertion": forged}
        assert ask(sandbox, proof)["error"] == "invalid_client"


@pytest.mark.parametrize(
    "change",
    [
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_id": "clinician"},
    ],
)
def test_the_fields_around_an_assertion_must_fit(sandbox: Any, change: dict[str, str]) -> None:
    """Another assertion type, or the name of another client beside it, is refused."""
    assert ask(sandbox, sandbox.proof("system") | change)["error"] == "invalid_client"


def test_a_client_may_name_itself_beside_its_assertion(sandbox: Any) -> None:
    """A client_id equal to the subject is fine (RFC 7521 section 4.2)."""
    assert "access_token" in ask(sandbox, sandbox.proof("system", alg="ES384"), client_id="system")


@pytest.mark.parametrize("client_id", ["", "nobody", "system"])
def test_a_name_alone_is_no_proof(sandbox: Any, client_id: str) -> None:
    """An unknown client, and a confidential client without an assertion, are invalid."""
    assert ask(sandbox, {"client_id": client_id})["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("system/Observation.rs", "system/Observation.rs"),
        ("system/Observation.cruds system/Patient.r", "system/Observation.rs"),
        ("system/*.r", "system/Observation.r"),
    ],
)
def test_system_scopes_are_limited_to_the_registered(sandbox: Any, scope: str, granted: str) -> None:
    """A backend service gets no more than its registration."""
    assert ask(sandbox, sandbox.proof("system"), scope=scope)["scope"] == granted


@pytest.mark.parametrize("scope", ["", "system/Patient.r", "user/Observation.rs", "openid", "nonsense"])
def test_a_backend_service_needs_a_system_scope(sandbox: Any, scope: str) -> None:
    """Nothing asked, or nothing of it registered, is an invalid scope."""
    assert ask(sandbox, sandbox.proof("system"), scope=scope)["error"] == "invalid_scope"


def test_client_credentials_need_a_key(sandbox: Any) -> None:
    """A public client cannot be a backend service, even when registered as one."""
    assert ask(sandbox, {"client_id": "nameless"})["error"] == "unauthorized_client"


def test_a_user_app_cannot_be_a_backend_service(sandbox: Any) -> None:
    """A client registered for the code grant alone is refused."""
    assert ask(sandbox, sandbox.proof("clinician"))["error"] == "unauthorized_client"
