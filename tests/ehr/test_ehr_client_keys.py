"""Client keys over time: which one signs, which ones are published, and what no file may hold."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from fhir_alliance.ehr.client_keys import published_keys, signing_key
from fhir_alliance.errors import InvalidSettings

HOUR = 3600


def key_set(path: Path, *keys: dict[str, Any]) -> Path:
    """Write a set of keys."""
    path.write_text(json.dumps({"keys": keys}))
    return path


def ec(kid: str, **members: Any) -> dict[str, Any]:
    """Return a new private key on P-384; a member given as `...` is left out."""
    key = ECKey.generate_key("P-384").as_dict(private=True)
    return {**key, "kid": kid, **{name: value for name, value in members.items() if value is not ...}}


@pytest.mark.parametrize(
    ("hours", "kid"), [(-1, "old"), (0, "old"), (23, "old"), (24, "new"), (47, "new"), (48, "new"), (100, "new")]
)
def test_the_newest_active_key_signs(tmp_path: Path, now: datetime, hours: int, kid: str) -> None:
    """A key that was published ahead signs from its nbf on; the old one stays in the file and no longer signs."""
    start = int(now.timestamp())
    path = key_set(
        tmp_path / "k.json",
        ec("new", nbf=start + 24 * HOUR),
        ec("old", exp=start + 48 * HOUR),
        ec("first", exp=start - 100 * HOUR),
    )

    key, algorithm = signing_key(path, now=now + timedelta(hours=hours))

    assert (key.kid, algorithm) == (kid, "ES384")


def test_a_file_without_an_active_key_signs_nothing(tmp_path: Path, now: datetime) -> None:
    """When every key is over or still to come, the file is named and nothing is signed."""
    start = int(now.timestamp())
    path = key_set(tmp_path / "k.json", ec("old", exp=start), ec("new", nbf=start + 1))

    with pytest.raises(InvalidSettings, match=r"k\.json: none of its keys is active"):
        signing_key(path, now=now)


def test_what_is_published_is_public(ehr: Any, keys: Any, tmp_path: Path, now: datetime) -> None:
    """All keys of a file are published, active or not, with kid, use and alg, and without any private member (S41)."""
    retired = int(now.timestamp()) - HOUR
    path = key_set(tmp_path / "k.json", {**keys.rsa.as_dict(private=True), "exp": retired}, ec("next"))
    harbor = replace(ehr, clinician=replace(ehr.clinician, key_file=path), backend=None)

    rsa, next_one = published_keys({"harbor": harbor})["keys"]

    assert set(rsa) == {"kty", "kid", "n", "e", "use", "alg", "key_ops"}
    assert set(next_one) == {"kty", "kid", "crv", "x", "y", "use", "alg", "key_ops"}
    assert (rsa["kid"], rsa["alg"], rsa["use"]) == (keys.rsa.kid, "RS384", "sig")
    assert (next_one["kid"], next_one["alg"]) == ("next", "ES384")


def test_one_key_of_two_clients_is_published_once(ehr: Any, keys: Any) -> None:
    """Clinician and backend client of one EHR may share a file."""
    assert [key["kid"] for key in published_keys({"harbor": ehr})["keys"]] == [keys.ec384.kid]


def test_without_keys_the_set_is_empty(ehr: Any) -> None:
    """A site with public clients publishes an empty set."""
    assert published_keys({"harbor": replace(ehr, clinician=None, backend=None)}) == {"keys": []}


def test_two_ehrs_never_share_a_key(ehr: Any) -> None:
    """The same key, or the same kid, at two EHRs is refused: proof for one must be worth nothing at the other (T17)."""
    with pytest.raises(InvalidSettings, match="each EHR needs keys of its own"):
        published_keys({"harbor": ehr, "lakeside": replace(ehr, name="lakeside")})


def test_every_bad_file_is_told(ehr: Any, tmp_path: Path) -> None:
    """The faults of several files come together, each with its file, and none with its content."""
    twice = key_set(tmp_path / "twice.json", ec("a"), ec("a"))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    harbor = replace(ehr, clinician=replace(ehr.clinician, key_file=twice), patient=None)

    with pytest.raises(InvalidSettings) as caught:
        published_keys({"harbor": replace(harbor, backend=replace(ehr.backend, key_file=broken))})

    assert caught.value.faults == (
        "twice.json: two keys have the same kid",
        "broken.json: is not a readable JWK, nor a set of them",
    )


@pytest.mark.parametrize("members", [{"nbf": "soon"}, {"exp": [1]}, {"exp": 1.5}])
def test_a_time_that_is_none_is_told(tmp_path: Path, now: datetime, members: dict[str, Any]) -> None:
    """The times nbf and exp are seconds since 1970."""
    path = key_set(tmp_path / "k.json", ec("a", **members))

    with pytest.raises(InvalidSettings, match="must be seconds since 1970"):
        signing_key(path, now=now)
