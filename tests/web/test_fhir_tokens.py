"""Readers prove who they are by a signed assertion, once, and get a short-lived token for what they may read."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.tables import audit, reader_proofs, reader_tokens
from smart_app.demo.site import Site

from .house import House
from .reading import BOTH, Reader, get

MakeHouse = Callable[..., House]
READER = Reader()
RSA = Reader("rsa", key=RSAKey.generate_key(2048, {"use": "sig", "alg": "RS384"}, auto_kid=True))
SCORES = Reader("scores", scopes="system/Observation.s")


def registered(site: Site) -> None:
    """Register the readers at a site."""
    for each in (READER, RSA, SCORES):
        each.register(site)


@pytest.fixture(scope="module")
def house(opener: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Open a house that readers are registered at."""
    with opener(tmp_path_factory.mktemp("readers"), change=registered) as opened:
        yield opened


@pytest.mark.parametrize("reader", [READER, RSA], ids=["ES384", "RS384"])
def test_a_registered_reader_gets_a_token(house: House, reader: Reader) -> None:
    """A right assertion is answered with a token for five minutes, which is stored as a digest only, and noted."""
    reply = reader.ask(house)

    body = reply.json()
    assert (reply.status_code, body["token_type"], body["expires_in"], body["scope"]) == (200, "bearer", 300, BOTH)
    assert reply.headers["Cache-Control"] == "no-store"
    assert body["access_token"] not in str(house.rows(reader_tokens))
    assert get(house, "Observation", body["access_token"]).status_code == 200
    admitted = [row for row in house.rows(audit) if row["event"] == "reader.admitted"][-1]
    assert (admitted["actor"], admitted["ehr"]) == (f"reader:{reader.name}", "harbor")


def test_discovery(house: House) -> None:
    """A reader finds the endpoint, its methods and its algorithms where SMART says."""
    reply = get(house, ".well-known/smart-configuration")

    stated = reply.json()
    assert stated["token_endpoint"] == house.url("/fhir/auth/token")
    assert stated["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert stated["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert stated["grant_types_supported"] == ["client_credentials"]
    assert reply.headers["Cache-Control"] == "public, max-age=3600"


def part(value: Any) -> str:
    """Return one part of a compact JWS."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(house: House) -> str:
    """Return a token that says it needs no signature."""
    return f"{part({'alg': 'none', 'kid': READER.key.kid, 'typ': 'JWT'})}.{READER.assertion(house).split('.')[1]}."


def by_shared_secret(house: House) -> str:
    """Return a token signed with the public key as if it were a shared secret."""
    public = json.dumps(READER.key.as_dict(private=False))
    claims = json.loads(base64.urlsafe_b64decode(READER.assertion(house).split(".")[1] + "=="))
    return jwt.encode({"alg": "HS384", "kid": READER.key.kid, "typ": "JWT"}, claims, OctKey.import_key(public),
                      algorithms=["HS384"])  # fmt: skip


def forged(house: House) -> str:
    """Return a token signed by somebody else under the registered kid."""
    other = Reader(key=ECKey.generate_key("P-384", {"kid": READER.key.kid}))
    return other.assertion(house)


REFUSED: dict[str, Callable[[House], str]] = {
    "nothing": lambda _: "",
    "no token": lambda _: "a.b",
    "no object": lambda house: f"{READER.assertion(house).split('.')[0]}.{part([1])}.x",
    "none": unsigned,
    "shared secret": by_shared_secret,
    "forged": forged,
    "altered": lambda house: READER.assertion(house)[:-4] + "AAAA",
    "too large": lambda house: READER.assertion(house, filler="x" * 20_000),
    "unknown client": lambda house: READER.assertion(house, iss="nobody", sub="nobody"),
    "another's key": lambda house: READER.assertion(house, iss=RSA.client_id, sub=RSA.client_id),
    "another issuer": lambda house: READER.assertion(house, iss=RSA.client_id),
    "no issuer": lambda house: READER.assertion(house, iss=...),
    "subject is a list": lambda house: READER.assertion(house, sub=[READER.client_id]),
    "expired": lambda house: READER.assertion(house, exp=0),
    "lives too long": lambda house: READER.assertion(house, exp=302),
    "no expiry": lambda house: READER.assertion(house, exp=...),
    "expiry is text": lambda house: READER.assertion(house, exp="4102444800"),
    "from the future": lambda house: READER.assertion(house, iat=90),
    "not yet": lambda house: READER.assertion(house, nbf=90),
    "another endpoint": lambda house: READER.assertion(house, aud=house.url("/fhir")),
    "several audiences": lambda house: READER.assertion(house, aud=[house.url("/fhir/auth/token"), "https://x"]),
    "no audience": lambda house: READER.assertion(house, aud=...),
    "no jti": lambda house: READER.assertion(house, jti=...),
    "jti is a number": lambda house: READER.assertion(house, jti=7),
    "endless jti": lambda house: READER.assertion(house, jti="x" * 256),
    "no kid": lambda house: READER.assertion(house, header={"kid": ...}),
    "unknown kid": lambda house: READER.assertion(house, header={"kid": "other"}),
    "empty typ": lambda house: READER.assertion(house, header={"typ": ""}),
    "another typ": lambda house: READER.assertion(house, header={"typ": "at+jwt"}),
    "key brought along": lambda house: READER.assertion(house, header={"jwk": READER.key.as_dict(private=False)}),
    "key elsewhere": lambda house: READER.assertion(house, header={"jku": f"{house.site.ehr_url}/auth/jwks"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_proof_that_is_wrong_in_any_part_is_refused(house: House, case: str) -> None:
    """Each is answered 401 alike, is noted, gives nothing, and makes us ask nobody."""
    tokens, asked = house.rows(reader_tokens), len(house.traffic)

    reply = READER.ask(house, REFUSED[case](house))

    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")
    assert reply.headers["Cache-Control"] == "no-store"
    assert house.rows(reader_tokens) == tokens
    assert len(house.traffic) == asked
    last = house.rows(audit)[-1]
    assert (last["event"], last["outcome"], last["ehr"]) == ("reader.refused", "invalid_client", "")


def test_a_proof_works_once(house: House) -> None:
    """The same assertion again, at any worker, is refused; one with another jti is not (S45, T78)."""
    used = READER.assertion(house)

    replies = [READER.ask(house, used).status_code for _ in range(2)]

    assert replies == [200, 401]
    assert READER.ask(house).status_code == 200


def test_a_jti_is_each_readers_own(house: House) -> None:
    """What one reader has used does not shut another one out."""
    replies = [each.ask(house, each.assertion(house, jti="the same")).status_code for each in (READER, RSA)]

    assert replies == [200, 200]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": ...}, "unsupported_grant_type"),
        ({"scope": ...}, "invalid_scope"),
        ({"scope": "system/Patient.rs openid"}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "system/Observation.cruds"}, "invalid_scope"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
    ],
)
def test_a_form_that_is_wrong_is_refused(house: House, fields: dict[str, Any], error: str) -> None:
    """What OAuth 2.0 has a word for is answered with that word."""
    reply = READER.ask(house, **fields)

    assert reply.json()["error"] == error
    assert reply.status_code == (401 if error == "invalid_client" else 400)


def test_two_proofs_at_once_are_refused(house: House) -> None:
    """Basic beside an assertion is no way to be anybody."""
    form = {"grant_type": "client_credentials", "scope": BOTH}

    reply = requests.post(house.url("/fhir/auth/token"), data=form, auth=("registry-reader", "x"), timeout=30)

    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


def test_no_more_than_registered(house: House) -> None:
    """A reader gets what it asked for and is registered with: what goes beyond is left out, not refused."""
    some = SCORES.ask(house, scope=f"{BOTH} system/Observation.s").json()
    less = READER.ask(house, scope="system/Observation.read system/Observation.read").json()

    assert some["scope"] == "system/Observation.s"
    assert less["scope"] == "system/Observation.read"
    assert get(house, "Observation", some["access_token"]).status_code == 200
    assert get(house, "Observation/x", some["access_token"]).status_code == 403
    assert get(house, "Observation/x", less["access_token"]).status_code == 404
    assert get(house, "QuestionnaireResponse", less["access_token"]).status_code == 403


def test_a_token_ends(make_house: MakeHouse) -> None:
    """After five minutes it is no token any more, and what was kept of it is removed at the next request for one."""
    house = make_house(change=registered)
    token = READER.token(house)

    house.ahead = timedelta(seconds=299)
    before = get(house, "Observation", token).status_code
    house.ahead = timedelta(seconds=301)
    after = get(house, "Observation", token).status_code
    READER.token(house)

    assert (before, after) == (200, 401)
    assert (len(house.rows(reader_tokens)), len(house.rows(reader_proofs))) == (1, 1)


def test_keys_at_an_address(make_house: MakeHouse) -> None:
    """Keys may be fetched from the registered address; while nothing answers there nobody gets in."""
    key = {}

    def change(site: Site) -> None:
        key["key"] = ECKey.import_key(json.loads((site.settings.parent / "backend.jwk").read_text()))
        source = f'jwks_uri = "{site.app_url}/.well-known/jwks.json"\nallow_private = true'
        Reader(key=key["key"]).register(site, source=source)
        Reader("lost").register(site, source=f'jwks_uri = "{site.ehr_url}/nothing"\nallow_private = true')

    house = make_house(change=change)
    reader = Reader(key=key["key"])

    named = reader.assertion(house, header={"jku": house.url("/.well-known/jwks.json")})
    assert reader.ask(house, named).status_code == 200
    assert reader.ask(house).status_code == 200
    assert Reader("lost").ask(house).status_code == 401


def test_a_new_key_needs_no_restart(make_house: MakeHouse) -> None:
    """A key put into the file is good at the next request; a file that was broken since lets nobody in."""
    house = make_house(change=registered)
    path = house.site.settings.parent / f"{READER.name}.jwks.json"
    new = Reader()

    before = new.ask(house).status_code
    path.write_text(json.dumps({"keys": [new.key.as_dict(private=False)]}))
    after, old = new.ask(house).status_code, READER.ask(house).status_code
    path.write_text("{")

    assert (before, after, old) == (401, 200, 401)
    assert new.ask(house).status_code == 401


@pytest.mark.parametrize("content", ["{}", "", json.dumps({"keys": [READER.key.as_dict(private=True)]})])
def test_key_files_that_are_none_stop_the_start(make_house: MakeHouse, content: str) -> None:
    """A file without keys, or with a private one, is told at the start and not at somebody's request."""

    def change(site: Site) -> None:
        READER.register(site)
        (site.settings.parent / "registry.jwks.json").write_text(content)

    with pytest.raises(InvalidSettings, match=r"registry\.jwks\.json"):
        make_house(change=change)


def test_floods_are_slowed(make_house: MakeHouse) -> None:
    """More than 60 requests for a token in a minute are told to wait, in FHIR, and for how long."""
    house = make_house()
    with requests.Session() as session:
        replies = [session.post(house.url("/fhir/auth/token"), timeout=30) for _ in range(61)]

    assert {each.status_code for each in replies[:60]} == {400}
    assert (replies[60].status_code, replies[60].headers["Retry-After"]) == (429, "60")
    assert replies[60].json()["issue"][0]["code"] == "throttled"
