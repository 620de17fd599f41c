"""Seals what the database may not show: AES-256-GCM, bound to the one place where the value belongs."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fhir_alliance.errors import AllianceError

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_FIRST_KEY: Final = "k1"


class VaultError(AllianceError):
    """A sealed value cannot be opened here: changed, moved, or sealed with a key that is not in the key file."""

    code = "vault.refused"
    sentence = "Something stored could not be read. Please tell your administrator to check the key file."


class Vault:
    """Seals with the current key, opens with any key of the file; safe to share between threads."""

    def __init__(self, *, current: str, keys: Mapping[str, bytes]) -> None:
        self._current = current
        self._secret = keys[current]
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """Read a key file as `create_key_file` writes it; VaultError when it is anything else."""
        try:
            return cls._from_json(orjson.loads(path.read_bytes()))
        except (OSError, KeyError, TypeError, AttributeError, ValueError):
            raise VaultError(f"{path.name} is no readable key file") from None

    @classmethod
    def _from_json(cls, value: Any) -> "Vault":
        keys = {name: base64.urlsafe_b64decode(key) for name, key in value["keys"].items()}
        usable = all(len(key) == _KEY_BYTES and name.isalnum() for name, key in keys.items())
        if value["current"] not in keys or not usable:
            raise VaultError("the keys are not usable")
        return cls(current=value["current"], keys=keys)

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for another purpose, the same for all who hold this key (HKDF-SHA256, RFC 5869)."""
        return HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose.encode()).derive(self._secret)

    def seal(self, plaintext: bytes, *, place: str) -> bytes:
        """Return `<key id>:<nonce><ciphertext>`; `place` is tenant/table/row/column and is needed to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        header = self._current.encode() + b":"
        return header + nonce + self._ciphers[self._current].encrypt(nonce, plaintext, header + place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed for this very place; VaultError for everything else."""
        name, colon, rest = sealed.partition(b":")
        cipher = self._ciphers.get(name.decode("ascii", "replace"))
        if cipher is None:
            raise VaultError(f"no key for {place}")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], name + colon + place.encode())
        except (InvalidTag, ValueError):
            raise VaultError(f"changed or moved: {place}") from None


def create_key_file(path: Path) -> None:
    """Write a new key file that only its owner can read; FileExistsError rather than lose a key in use."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps({"current": _FIRST_KEY, "keys": {_FIRST_KEY: key}}, option=orjson.OPT_INDENT_2))
