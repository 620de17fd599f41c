"""The keys our clients sign with: the newest one that is active signs, and all are published until they are removed."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import EhrSettings
from fhir_alliance.strict_json import strict_json

SigningKey = RSAKey | ECKey

_ALGORITHMS: Final = {"RSA": "RS384", "P-384": "ES384"}  # by curve, else by key type (spec row S40)
_PUBLIC: Final = ("kty", "kid", "n", "e", "crv", "x", "y")


def signing_key(path: Path, *, now: datetime) -> tuple[SigningKey, str]:
    """Return the key to sign with, and its algorithm: the newest of a key file that is active.

    The file holds one private JWK (RSA, or EC on P-384) with a `kid`, or a set of them. A key signs from its `nbf` to
    its `exp` (seconds since 1970, both may be left out). Raises InvalidSettings when none does.
    """
    moment = now.timestamp()
    active = [
        key for key in read_client_keys(path) if _seconds(key, "nbf", 0) <= moment < _seconds(key, "exp", float("inf"))
    ]
    if not active:
        raise InvalidSettings([f"{path.name}: none of its keys is active now, by their nbf and exp"])
    newest = max(active, key=lambda key: _seconds(key, "nbf", 0))
    return newest, _algorithm(newest)


def published_keys(ehrs: Mapping[str, EhrSettings]) -> dict[str, Any]:
    """Return the public half of every client key, also of those not yet or no longer active, as a JWKS (S41).

    Raises InvalidSettings with every fault: a file that cannot be read, a `kid` of two keys, a key of two EHRs (T17).
    """
    faults: list[str] = []
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, path in _files(ehrs):
        try:
            keys = read_client_keys(path)
        except InvalidSettings as error:
            faults += error.faults
            continue
        for key in keys:
            place = (name, _public(key))
            if found.setdefault(str(key.kid), place) != place:
                faults.append(f"{path.name}: kid {key.kid} is in use elsewhere; each EHR needs keys of its own")
    if faults:
        raise InvalidSettings(list(dict.fromkeys(faults)))
    return {"keys": [public for _, public in found.values()]}


def thumbprints(path: Path) -> list[str]:
    """Return what identifies each key of a file, whatever its `kid` (RFC 7638); InvalidSettings when unreadable."""
    return sorted(key.thumbprint() for key in read_client_keys(path))


def _files(ehrs: Mapping[str, EhrSettings]) -> Iterator[tuple[str, Path]]:
    for name, ehr in ehrs.items():
        for path in dict.fromkeys(client.key_file for client in ehr.clients if client.key_file):
            yield name, path


def read_client_keys(path: Path) -> list[SigningKey]:
    """Return every private key of a file, in its order; InvalidSettings when it holds none, or not only such."""
    try:
        values = strict_json(path.read_bytes())
        listed = values.get("keys", [values])
        keys = [import_key(value) for value in listed]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, JoseError):
        raise InvalidSettings([f"{path.name}: is not a readable JWK, nor a set of them"]) from None
    if len({key.kid for key in keys}) != len(keys):
        raise InvalidSettings([f"{path.name}: two keys have the same kid"])
    return [_checked(path, key) for key in keys]


def _checked(path: Path, key: Any) -> SigningKey:
    algorithm = _ALGORITHMS.get(str(key.get("crv", key.key_type)))
    if not isinstance(key, SigningKey) or algorithm is None or not key.is_private or not key.kid:
        raise InvalidSettings([f"{path.name}: must be a private JWK, RSA or EC P-384, with a kid"])
    if key.get("alg", algorithm) != algorithm:
        raise InvalidSettings([f"{path.name}: alg must be {algorithm}"])
    for name in ("nbf", "exp"):
        if type(_members(key).get(name, 0)) is not int:
            raise InvalidSettings([f"{path.name}: {name} must be seconds since 1970"])
    return key


def _algorithm(key: SigningKey) -> str:
    return _ALGORITHMS[str(key.get("crv", key.key_type))]


def _members(key: SigningKey) -> Mapping[str, object]:
    return key.as_dict(private=False)


def _seconds(key: SigningKey, name: str, default: float) -> float:
    return float(str(_members(key).get(name, default)))


def _public(key: SigningKey) -> dict[str, Any]:
    values = _members(key)
    shown = {name: values[name] for name in _PUBLIC if name in values}
    return {**shown, "use": "sig", "alg": _algorithm(key), "key_ops": ["verify"]}
