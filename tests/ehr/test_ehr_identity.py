"""id_tokens: one is right, and each part that is wrong is refused."""

import base64
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from authlib.oidc.core.util import create_half_hash
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwe, jwt
from joserfc.jwk import KeySet, OctKey

from fhir_alliance.ehr.identity import User, verify_id_token
from fhir_alliance.errors import EhrUnreachable, InvalidIdToken


@pytest.fixture
def verify(ehr: Any, keys: Any, now: datetime) -> Any:
    """Return the verification of a token as our clinician client does it; anything can be replaced."""

    def run(token: str, **changes: Any) -> User:
        found = KeySet([keys.rsa, keys.ec, keys.ec384])
        values = {
            "ehr": ehr,
            "client_id": "alliance-clinician",
            "nonce": "nonce-1",
            "keys": lambda _: found,
            "now": now,
        }
        return verify_id_token(token, **{**values, **changes})

    return run


def part(value: Any) -> str:
    """Return one part of a compact JWS."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_right_token_names_the_user(verify: Any, id_tokens: Any, ehr: Any) -> None:
    """Issuer, subject and person come from the token; the role is the person's type."""
    user = verify(id_tokens.make())

    assert user == User(issuer=ehr.issuer, subject="user-1", reference="Practitioner/ada-okafor")
    assert user.kind == "Practitioner"


@pytest.mark.parametrize(
    ("name", "algorithm"), [("rsa", "RS256"), ("rsa", "RS384"), ("ec", "ES256"), ("ec384", "ES384")]
)
def test_four_algorithms_are_accepted(verify: Any, id_tokens: Any, keys: Any, name: str, algorithm: str) -> None:
    """RS256, RS384, ES256 and ES384 are accepted, each with the key its kid names."""
    token = id_tokens.make(key=getattr(keys, name), header={"alg": algorithm})

    assert verify(token).subject == "user-1"


ACCEPTED: dict[str, dict[str, Any]] = {
    "59 s too old": {"exp": -59},
    "59 s too early": {"iat": 59},
    "one audience in a list": {"aud": ["alliance-clinician"]},
    "several audiences with azp": {"aud": ["other", "alliance-clinician"], "azp": "alliance-clinician"},
    "azp is us": {"azp": "alliance-clinician"},
    "unknown claims": {"name": "Ada", "email": "ada@example.invalid", "acr": "1"},
    "long subject": {"sub": "x" * 255},
    "role": {"fhirUser": "PractitionerRole/1"},
    "patient": {"fhirUser": "Patient/maria-lopez"},
    "proxy": {"fhirUser": "RelatedPerson/1"},
    "person": {"fhirUser": "Person/1"},
    "absolute": {"fhirUser": "{base}/Practitioner/1"},
}
REFUSED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example.invalid"},
    "issuer with a slash": {"iss": "{issuer}/"},
    "no issuer": {"iss": ...},
    "a list of issuers": {"iss": ["{issuer}", "evil"]},
    "another client": {"aud": "other"},
    "another client though azp is us": {"aud": "other", "azp": "alliance-clinician"},
    "another client in a list, azp is us": {"aud": ["other"], "azp": "alliance-clinician"},
    "several audiences without azp": {"aud": ["other", "alliance-clinician"]},
    "azp is another": {"aud": ["other", "alliance-clinician"], "azp": "other"},
    "azp is another, aud is us": {"azp": "other"},
    "no audience": {"aud": ...},
    "empty audience": {"aud": []},
    "odd audience": {"aud": {"alliance-clinician": 1}},
    "61 s too old": {"exp": -61},
    "no exp": {"exp": ...},
    "exp as text": {"exp": "4102444800"},
    "61 s too early": {"iat": 61},
    "no iat": {"iat": ...},
    "not yet valid": {"nbf": 61},
    "no nonce": {"nonce": ...},
    "old nonce": {"nonce": "nonce-0"},
    "empty nonce": {"nonce": ""},
    "a list of nonces": {"nonce": ["nonce-1"]},
    "no subject": {"sub": ...},
    "empty subject": {"sub": ""},
    "endless subject": {"sub": "x" * 256},
    "subject as number": {"sub": 7},
    "no person": {"fhirUser": ...},
    "person elsewhere": {"fhirUser": "https://evil.example.invalid/fhir/Practitioner/1"},
    "person at a look-alike": {"fhirUser": "{base}-evil/Practitioner/1"},
    "person under us twice": {"fhirUser": "{base}/{base}/Practitioner/1"},
    "person of another type": {"fhirUser": "Device/1"},
    "person of no type": {"fhirUser": "1"},
    "person by path": {"fhirUser": "Practitioner/.."},
    "person by long path": {"fhirUser": "Practitioner/1/../../Patient/2"},
    "person with version": {"fhirUser": "Practitioner/1/_history/1"},
    "person with query": {"fhirUser": "Practitioner/1?x"},
    "persons": {"fhirUser": ["Practitioner/1"]},
}


def filled(values: dict[str, Any], ehr: Any, now: datetime) -> dict[str, Any]:
    """Put the EHR's addresses into a case; small numbers are seconds from now."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{base}", ehr.fhir_base).replace("{issuer}", ehr.issuer)
        return [fill(each) for each in value] if isinstance(value, list) else value

    seconds = {name: int(now.timestamp()) + values[name] for name in ("exp", "iat", "nbf")
               if isinstance(values.get(name), int)}  # fmt: skip
    return {name: fill(value) for name, value in values.items()} | seconds


@pytest.mark.parametrize("claims", ACCEPTED.values(), ids=ACCEPTED)
def test_what_a_right_token_may_hold(
    verify: Any, id_tokens: Any, ehr: Any, now: datetime, claims: dict[str, Any]
) -> None:
    """Variations the standards allow are accepted."""
    assert verify(id_tokens.make(**filled(claims, ehr, now))).issuer == ehr.issuer


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED)
def test_a_token_with_one_wrong_claim_is_refused(
    verify: Any, id_tokens: Any, ehr: Any, now: datetime, claims: dict[str, Any]
) -> None:
    """One claim wrong or missing, all else right, is refused, and the error repeats nothing of it."""
    with pytest.raises(InvalidIdToken) as caught:
        verify(id_tokens.make(**filled(claims, ehr, now)))

    assert "evil" not in str(caught.value)


HEADERS: dict[str, dict[str, Any]] = {
    "own key": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    "key elsewhere": {"jku": "https://evil.example.invalid/jwks"},
    "certificate elsewhere": {"x5u": "https://evil.example.invalid/cert"},
    "own certificate": {"x5c": ["AAAA"]},
    "critical extension": {"crit": ["b64"], "b64": True},
    "empty crit": {"crit": []},
    "access token": {"typ": "at+jwt"},
    "logout token": {"typ": "logout+jwt"},
    "odd typ": {"typ": 7},
    "unknown kid": {"kid": "unknown"},
    "no kid among several keys": {"kid": ...},
    "odd kid": {"kid": 7},
    "RS512": {"alg": "RS512"},
    "PS256": {"alg": "PS256"},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_token_with_one_wrong_header_is_refused(
    keys: Any, verify: Any, id_tokens: Any, header: dict[str, Any]
) -> None:
    """A key or certificate of its own, an unknown extension, another use or algorithm is refused."""
    claims = part(id_tokens.claims)
    merged = {"alg": "RS256", "kid": keys.rsa.kid, **header}
    signed = part({name: value for name, value in merged.items() if value is not ...}) + "." + claims
    digests = {"RS512": "sha512", "PS256": "sha256"}
    token = f"{signed}.{part(sign(keys.rsa, signed, digests.get(merged['alg'], 'sha256')))}"

    with pytest.raises(InvalidIdToken):
        verify(token)


def sign(key: Any, signed: str, name: str) -> bytes:
    """Sign with RSA PKCS#1, as RS256 and RS512 do."""
    algorithm = {"sha256": hashes.SHA256(), "sha512": hashes.SHA512()}[name]
    signature: bytes = key.private_key.sign(signed.encode(), padding.PKCS1v15(), algorithm)
    return signature


def test_a_harmless_unknown_header_is_ignored(keys: Any, verify: Any, id_tokens: Any) -> None:
    """Headers that mean nothing to us do not matter, nor does the case of typ."""
    signed = f"{part({'alg': 'RS256', 'kid': keys.rsa.kid, 'typ': 'jwt', 'x-region': 'us'})}.{part(id_tokens.claims)}"

    assert verify(f"{signed}.{part(sign(keys.rsa, signed, 'sha256'))}").subject == "user-1"


def test_unsigned_and_symmetric_tokens_are_refused(keys: Any, verify: Any, id_tokens: Any) -> None:
    """`none`, and HMAC with the published key or with a guessed secret, are no signatures."""
    claims = part(id_tokens.claims)
    pem = keys.rsa.as_pem(private=False)
    none = [f"{part({'alg': alg, 'kid': keys.rsa.kid})}.{claims}." for alg in ("none", "None", "NONE", "")]
    hmacs = [
        jwt.encode(
            {"alg": "HS256", "kid": keys.rsa.kid}, id_tokens.claims, OctKey.import_key(secret), algorithms=["HS256"]
        )
        for secret in (b"0" * 32, base64.b64encode(pem))
    ]
    without = [f"{part({'kid': keys.rsa.kid})}.{claims}.", f"{part({'alg': 'RS256', 'kid': keys.rsa.kid})}.{claims}."]

    for token in [*none, *hmacs, *without]:
        with pytest.raises(InvalidIdToken):
            verify(token)


def test_a_forged_or_changed_token_is_refused(keys: Any, verify: Any, id_tokens: Any) -> None:
    """A stranger's signature under a known kid, and a changed claim, are refused."""
    forged = id_tokens.make(key=keys.stranger, header={"kid": keys.rsa.kid})
    head, _, signature = id_tokens.make().split(".")
    changed = f"{head}.{part({**id_tokens.claims, 'sub': 'user-2'})}.{signature}"
    mixed = id_tokens.make(key=keys.ec, header={"alg": "ES256", "kid": keys.rsa.kid})
    undeclared = id_tokens.make(key=keys.rsa, header={"kid": keys.ec384.kid})

    for token in (forged, changed, mixed, undeclared):
        with pytest.raises(InvalidIdToken):
            verify(token)


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b", "a.b.c", "....", f"{part([])}.{part({})}.x", f"{part({'alg': 'RS256'})}.{part([])}.x", "é.é.é"],
)
def test_what_is_no_token_is_refused(verify: Any, token: str) -> None:
    """Text that is not a signed token is refused without any key being asked for."""
    with pytest.raises(InvalidIdToken):
        verify(token)


def test_claims_that_are_no_object_are_refused(keys: Any, verify: Any) -> None:
    """A rightly signed list is not a set of claims."""
    signed = f"{part({'alg': 'RS256', 'kid': keys.rsa.kid})}.{part([1])}"

    with pytest.raises(InvalidIdToken):
        verify(f"{signed}.{part(sign(keys.rsa, signed, 'sha256'))}")


def test_encrypted_and_oversized_tokens_are_refused(keys: Any, verify: Any, id_tokens: Any) -> None:
    """A JWE, five megabytes of header, and 17 KB of claims are refused before any key is looked at."""

    def no_keys(_: str | None) -> KeySet:
        pytest.fail("a key was asked for")

    encrypted = jwe.encrypt_compact(
        {"alg": "RSA-OAEP", "enc": "A128GCM"}, b"{}", keys.stranger, algorithms=["RSA-OAEP", "A128GCM"]
    )
    endless = f"{part({'alg': 'RS256', 'x': 'x' * 5_000_000})}.{part({})}.x"
    large = id_tokens.make(x="x" * 17_000)

    for token in (encrypted, endless, large):
        with pytest.raises(InvalidIdToken):
            verify(token, keys=no_keys)


def test_a_lone_key_needs_no_kid(keys: Any, verify: Any, id_tokens: Any) -> None:
    """A server with a single key may leave the kid out."""
    token = id_tokens.make(header={"kid": ...})

    assert verify(token, keys=lambda _: KeySet([keys.rsa])).subject == "user-1"
    with pytest.raises(InvalidIdToken):
        verify(token, keys=lambda _: KeySet([keys.ec]))


def test_at_hash_is_checked_when_there(verify: Any, id_tokens: Any) -> None:
    """An at_hash that fits the access token is accepted, any other is refused."""
    right = create_half_hash("access", "RS256").decode()

    assert verify(id_tokens.make(at_hash=right), access_token="access").subject == "user-1"
    for wrong in (create_half_hash("other", "RS256").decode(), "", 7, None):
        with pytest.raises(InvalidIdToken):
            verify(id_tokens.make(at_hash=wrong), access_token="access")


def test_the_same_subject_of_two_issuers_is_two_users(verify: Any, id_tokens: Any, ehr: Any) -> None:
    """A user is known by issuer and subject together."""
    other = replace(ehr, issuer="https://other.example.invalid")

    assert verify(id_tokens.make()) != verify(id_tokens.make(iss=other.issuer), ehr=other)


def test_missing_keys_are_no_verdict_on_the_token(verify: Any, id_tokens: Any) -> None:
    """When the keys cannot be had, that is what is told."""

    def unreachable(_: str | None) -> KeySet:
        raise EhrUnreachable

    with pytest.raises(EhrUnreachable):
        verify(id_tokens.make(), keys=unreachable)
