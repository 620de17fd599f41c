"""Seals what the database may not show: AES-256-GCM, bound to the one place where the value belongs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fhir_alliance.errors import AllianceError
from fhir_alliance.key_file import KEY_BYTES, KeyFileError, Keys, read_key_file

_NONCE_BYTES: Final = 12
_Stamp = tuple[int, int, int]


class VaultError(AllianceError):
    """A sealed value cannot be opened here: changed, moved, or sealed with a key that is not in the key file."""

    code = "vault.refused"
    sentence = "Something stored could not be read. Please tell your administrator to check the key file."


@dataclass(frozen=True, kw_only=True)
class _Ring:
    """The keys as they are now, ready to use."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
    ciphers: Mapping[str, AESGCM] = field(repr=False)
    _derived: dict[tuple[str, str], bytes] = field(repr=False, default_factory=dict)

    def derived(self, name: str, purpose: str) -> bytes:
        """Return what a key gives for another purpose; every request asks for the same two."""
        if (name, purpose) not in self._derived:
            key = HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode())
            self._derived[name, purpose] = key.derive(self.keys[name])
        return self._derived[name, purpose]


class Vault:
    """Seals with the current key, opens with any key of the file; safe to share between threads.

    A key file that has changed is read again, so that keys are rotated while the app runs.
    """

    def __init__(self, *, current: str, keys: Mapping[str, bytes]) -> None:
        self._path: Path | None = None
        self._stamp: _Stamp | None = None
        self._held = _ring(Keys(current=current, keys=keys))

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """Read a key file as `create_key_file` writes it; VaultError when it is anything else."""
        stamp = _stamp(path)
        try:
            keys = read_key_file(path)
        except KeyFileError as error:
            raise VaultError(error.detail) from None
        vault = cls(current=keys.current, keys=keys.keys)
        vault._path, vault._stamp = path, stamp
        return vault

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._ring().current

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys, oldest first."""
        return tuple(self._ring().keys)

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for another purpose, the same for all who hold this key (HKDF-SHA256, RFC 5869)."""
        ring = self._ring()
        return ring.derived(ring.current, purpose)

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """Return what every key gives for another purpose, the current one last: what an older one made still holds."""
        ring = self._ring()
        older = [name for name in ring.keys if name != ring.current]
        return tuple(ring.derived(name, purpose) for name in (*older, ring.current))

    def seal(self, plaintext: bytes, *, place: str) -> bytes:
        """Return `<key id>:<nonce><ciphertext>`; `place` is tenant/table/row/column and is needed to open it."""
        ring, nonce = self._ring(), os.urandom(_NONCE_BYTES)
        header = sealed_by(ring.current)
        return header + nonce + ring.ciphers[ring.current].encrypt(nonce, plaintext, header + place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed for this very place; VaultError for everything else."""
        name, colon, rest = sealed.partition(b":")
        cipher = self._ring().ciphers.get(name.decode("ascii", "replace"))
        if cipher is None:
            raise VaultError(f"no key for {place}")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], name + colon + place.encode())
        except (InvalidTag, ValueError):
            raise VaultError(f"changed or moved: {place}") from None

    def _ring(self) -> _Ring:
        """Return the keys as the file has them now; one that cannot be read leaves them as they were."""
        if self._path is not None and (stamp := _stamp(self._path)) not in (None, self._stamp):
            try:
                self._held = _ring(read_key_file(self._path))
            except KeyFileError:
                return self._held
            self._stamp = stamp
        return self._held


def sealed_by(name: str) -> bytes:
    """Return how everything begins that a key has sealed."""
    return name.encode() + b":"


def _ring(keys: Keys) -> _Ring:
    ciphers = {name: AESGCM(key) for name, key in keys.keys.items()}
    return _Ring(current=keys.current, keys=dict(keys.keys), ciphers=ciphers)


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes whenever a file is replaced, None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
