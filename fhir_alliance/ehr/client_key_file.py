"""The private file with the signing keys of one client: made, followed by a newer key, and freed of an old one."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from fhir_alliance.ehr.client_keys import read_client_keys, signing_key
from fhir_alliance.errors import InvalidSettings
from fhir_alliance.private_file import create_private, replace_private

ALGORITHMS: Final = ("ES384", "RS384")
"""What SMART servers have to support (spec row S40)."""

# 3072 bits are as strong as 128 of a symmetric key (NIST SP 800-57 Part 1, table 2).
_RSA_BITS: Final = 3072


def create_client_keys(path: Path, *, algorithm: str = "ES384") -> dict[str, Any]:
    """Write a new file with one key, private to its owner; return its public half as a JWK set, for the EHR.

    `algorithm` is one of ALGORITHMS. Raises FileExistsError rather than lose a key in use, OSError when the file cannot
    be written.
    """
    key = _new(algorithm)
    create_private(path, orjson.dumps(key.as_dict(private=True)))
    return {"keys": [dict(key.as_dict(private=False))]}


def add_client_key(path: Path, *, algorithm: str, signs_from: datetime) -> str:
    """Add a key that is published at once and signs from a later moment, so that EHRs have read it by then.

    Returns its `kid`. Raises InvalidSettings when the file holds no keys or cannot be written.
    """
    new = _new(algorithm)
    held = [*_private(path), {**new.as_dict(private=True), "nbf": int(signs_from.timestamp())}]
    _replace(path, held)
    return str(new.kid)


def remove_client_key(path: Path, kid: str, *, now: datetime) -> None:
    """Take a key out, which is published no longer; InvalidSettings for one that signs now, or is not there."""
    held = list(_private(path))
    if kid not in (key["kid"] for key in held):
        raise InvalidSettings([f"{path.name}: has no key {kid}"])
    if kid == signing_key(path, now=now)[0].kid:
        raise InvalidSettings(
            [f"{path.name}: {kid} signs now; add another key, and remove this one once that one signs"]
        )
    _replace(path, [key for key in held if key["kid"] != kid])


def _new(algorithm: str) -> ECKey | RSAKey:
    use: KeyParameters = {"use": "sig", "alg": algorithm}
    if algorithm == "ES384":
        return ECKey.generate_key("P-384", use, auto_kid=True)
    return RSAKey.generate_key(_RSA_BITS, use, auto_kid=True)


def _private(path: Path) -> Iterator[Mapping[str, Any]]:
    return (key.as_dict(private=True) for key in read_client_keys(path))


def _replace(path: Path, keys: list[Mapping[str, Any]]) -> None:
    try:
        replace_private(path, orjson.dumps({"keys": [dict(key) for key in keys]}))
    except OSError as error:
        raise InvalidSettings([f"{path.name}: {error.strerror}"]) from None
