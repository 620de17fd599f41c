"""The registry: one door and one key cache per EHR."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import KeySet

from fhir_alliance.ehr.keys import public_keys
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import EhrError, EhrUnreachable, ForeignUrl, UnknownIssuer


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def timed(ehr: Any, settings_of: Any, clock: Clock) -> Registry:
    """Return a registry with that clock; no keys are published yet."""
    return Registry(settings_of(ehr), clock=clock)


@pytest.mark.parametrize(
    "more", ["x", "/r4", "/../fhir", "//", "?a=b", "#", "%2e%2e", "@evil.example.invalid", "\\", " "]
)
def test_only_the_very_issuer_is_found(registry: Registry, ehr: Any, more: str) -> None:
    """What begins like a registered base is another place; one final slash is not (T02)."""
    with pytest.raises(UnknownIssuer):
        registry.by_issuer(f"{ehr.fhir_base}{more}")

    assert registry.by_issuer(ehr.fhir_base) == registry.by_issuer(f"{ehr.fhir_base}/") == ehr


def test_a_door_leads_to_every_pinned_endpoint(ehr: Any, settings_of: Any, server: Any) -> None:
    """Token, keys and revocation are reached; what is registered nowhere is not."""
    whole = replace(ehr, revocation_endpoint=f"{server.url}/auth/revoke")
    door = Registry(settings_of(whole)).door(whole)

    for url in (whole.token_endpoint, whole.jwks_uri, whole.revocation_endpoint):
        assert door.request("POST", url).status == 404
    with pytest.raises(ForeignUrl):
        door.request("POST", f"{server.url}/auth/other")


def test_an_ehr_is_waited_for_as_long_as_the_site_says(ehr: Any, settings_of: Any, server: Any) -> None:
    """`answer_seconds` of the entry is the time of its door, and of no other."""

    def drip(out: Any, stopped: Any) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        while not stopped.wait(0.02):
            out.write(b" ")

    server.raw("GET", "/fhir/x", drip)
    brief = replace(ehr, answer=timedelta(seconds=0.3))

    with pytest.raises(EhrUnreachable):
        Registry(settings_of(brief)).door(brief).request("GET", f"{server.base}/x")


def test_keys_with_an_error_are_no_keys(timed: Registry, ehr: Any, server: Any, keys: Any) -> None:
    """Whatever an error page carries is not trusted."""
    server.on("GET", "/auth/jwks", keys.jwks, status=500)

    with pytest.raises(EhrUnreachable):
        timed.jwks(ehr)


def test_fifty_keys_are_enough(keys: Any) -> None:
    """A set that grows without end costs no more than its first fifty."""
    good = keys.rsa.as_dict(private=False)

    found = public_keys({"keys": [{**good, "kid": str(number)} for number in range(60)]})

    assert [key.kid for key in found] == [str(number) for number in range(50)]


def test_each_ehr_has_one_door_of_its_own(ehr: Any, settings_of: Any, server: Any) -> None:
    """Connections are kept per EHR, and a door leads only to its own EHR's addresses."""
    other = replace(ehr, name="other", fhir_base=f"{server.url}/other", token_endpoint=f"{server.url}/o/token",
                    jwks_uri=f"{server.url}/o/jwks")  # fmt: skip
    registry = Registry(settings_of(ehr, other))
    server.on("GET", "/other/x", {})

    assert registry.door(ehr) is registry.door(ehr)
    assert registry.door(other).request("GET", f"{other.fhir_base}/x").ok
    with pytest.raises(ForeignUrl):
        registry.door(ehr).request("GET", f"{other.fhir_base}/x")


def test_an_ehr_that_may_not_be_private_is_not_reached(ehr: Any, settings_of: Any, sink: Any) -> None:
    """The site's leave for private addresses comes from the settings of that EHR."""
    public = replace(ehr, fhir_base=sink.base, allow_private=False)

    with pytest.raises(ForeignUrl):
        Registry(settings_of(public)).door(public).request("GET", f"{sink.base}/x")


def test_a_flood_of_unknown_keys_is_fetched_for_once(
    timed: Registry, ehr: Any, server: Any, clock: Clock, keys: Any
) -> None:
    """A thousand tokens with unknown keys within a minute cost one fetch, the next minute one more."""
    server.on("GET", "/auth/jwks", keys.jwks)

    for number in range(500):
        timed.jwks(ehr, f"unknown-{number}")
    assert len(server.seen) == 1

    clock.seconds += 61
    for number in range(500):
        timed.jwks(ehr, f"unknown-{number}")
    assert len(server.seen) == 2


def test_a_new_key_is_found_and_a_dropped_one_refused(
    timed: Registry, ehr: Any, server: Any, clock: Clock, keys: Any
) -> None:
    """After a rotation the new key is fetched, and the dropped one is gone from then on."""
    server.on("GET", "/auth/jwks", KeySet([keys.rsa]).as_dict(private=False))
    server.on("GET", "/auth/jwks", KeySet([keys.ec]).as_dict(private=False))
    first = timed.jwks(ehr, keys.rsa.kid)
    clock.seconds += 61

    same = timed.jwks(ehr, keys.rsa.kid)
    rotated = timed.jwks(ehr, keys.ec.kid)

    assert [key.kid for key in first] == [key.kid for key in same] == [keys.rsa.kid]
    assert [key.kid for key in rotated] == [keys.ec.kid]


def test_keys_are_fetched_again_after_an_hour(timed: Registry, ehr: Any, server: Any, clock: Clock, keys: Any) -> None:
    """Even a known key is asked for again after an hour, so that a dropped one does not live on."""
    server.on("GET", "/auth/jwks", keys.jwks)
    timed.jwks(ehr)
    clock.seconds += 3601

    timed.jwks(ehr, keys.rsa.kid)

    assert len(server.seen) == 2


def test_old_keys_do_not_outlive_their_hour(timed: Registry, ehr: Any, server: Any, clock: Clock, keys: Any) -> None:
    """While the keys cannot be fetched again, a dropped one may have been among them: none is believed after an hour.

    Until then a failed look for an unknown key takes nothing away, and does not make the known ones any younger.
    """
    server.on("GET", "/auth/jwks", keys.jwks)
    server.on("GET", "/auth/jwks", b"", status=503)
    timed.jwks(ehr)

    clock.seconds += 3500
    with pytest.raises(EhrUnreachable):
        timed.jwks(ehr, "unknown")
    assert timed.jwks(ehr, keys.rsa.kid)
    clock.seconds += 101
    for _ in range(2):
        with pytest.raises(EhrUnreachable):
            timed.jwks(ehr, keys.rsa.kid)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 500), (b"<html></html>", 200), ({}, 200), ({"keys": []}, 200), ([], 200), ({"keys": {}}, 200)],
)
def test_no_keys_is_no_answer(timed: Registry, ehr: Any, server: Any, body: Any, status: int) -> None:
    """A JWKS that cannot be read is told as such, and is asked for again the next time."""
    server.on("GET", "/auth/jwks", body, status=status)

    for _ in range(2):
        with pytest.raises(EhrUnreachable):
            timed.jwks(ehr)

    assert len(server.seen) == 2


def test_a_redirect_of_the_keys_is_refused(timed: Registry, ehr: Any, server: Any, sink: Any) -> None:
    """Keys come from the pinned address or not at all."""
    server.on("GET", "/auth/jwks", b"", status=302, Location=f"{sink.url}/jwks")

    with pytest.raises(EhrError, match="redirect"):
        timed.jwks(ehr)


def test_only_public_signature_keys_are_taken(keys: Any) -> None:
    """Symmetric keys, encryption keys and unknown kinds are left out; a broken key makes the set unreadable."""
    good = keys.rsa.as_dict(private=False)
    odd = [{"kty": "oct", "k": "c2VjcmV0"}, {**good, "use": "enc"}, {"kty": "PQ"}, {}, "x"]

    assert [key.kid for key in public_keys({"keys": [*odd, good]})] == [keys.rsa.kid]
    for broken in (
        {"kty": "RSA"},
        {"kty": "EC", "crv": "P-0", "x": "AA", "y": "AA"},
        {**good, "n": 7},
        {**good, "n": "*"},
    ):
        with pytest.raises(EhrUnreachable):
            public_keys({"keys": [good, broken]})
