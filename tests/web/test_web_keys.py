"""Our public keys, and the three ways in which a client proves itself, against the sandbox EHR over loopback."""

import json
from collections.abc import Callable

import pytest
import requests
from joserfc.jwk import ECKey

from fhir_alliance.errors import InvalidSettings

from .house import House
from .proofs import proving


@pytest.mark.parametrize("proof", ["secret", "RS384", "public"])
def test_each_client_type_opens_the_chart(make_house: Callable[..., House], proof: str) -> None:
    """A launch works for a symmetric, an RS384 and a public client as for the ES384 one of all other tests."""
    house = make_house(change=proving(proof, "clinician"))

    _, chart = house.clinician()

    assert (chart.status, "Maria Lopez" in chart.text) == (200, True)


def test_the_keys_are_published(house: House) -> None:
    """Anybody gets the public keys of all clients, without a redirect, a cookie or a private member (S41)."""
    reply = requests.get(house.url("/.well-known/jwks.json"), allow_redirects=False, timeout=10)

    found = reply.json()["keys"]
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in reply.headers
    assert len({key["kid"] for key in found}) == len(found) == 2
    assert all(set(key) == {"kty", "kid", "crv", "x", "y", "use", "alg", "key_ops"} for key in found)


def test_a_new_key_is_published_without_a_restart(own: House) -> None:
    """A key put into the file is published at the next request; the launch still signs with the old one."""
    path = own.site.settings.parent / "clinician.jwk"
    old = json.loads(path.read_text())
    new = ECKey.generate_key("P-384", {"nbf": 4102444800}, auto_kid=True).as_dict(private=True)
    path.write_text(json.dumps({"keys": [new, old]}))

    found = requests.get(own.url("/.well-known/jwks.json"), timeout=10).json()["keys"]

    assert {new["kid"], old["kid"]} <= {key["kid"] for key in found}
    assert own.clinician()[1].status == 200


def test_keys_that_could_not_be_published_stop_the_start(make_house: Callable[..., House]) -> None:
    """A key file that is none is told at the start, not at somebody's launch."""
    with pytest.raises(InvalidSettings, match=r"clinician\.jwk"):
        make_house(change=lambda site: (site.settings.parent / "clinician.jwk").write_text("{}"))
