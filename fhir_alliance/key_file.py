"""The private file with the keys of the vault: made, read, and changed as a whole."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from fhir_alliance.errors import AllianceError
from fhir_alliance.private_file import create_private, replace_private

KEY_BYTES: Final = 32


class KeyFileError(AllianceError):
    """A file that holds no keys, or none that could be changed as asked; the detail says why, and holds no key."""

    code = "keys.refused"
    sentence = "The key file could not be used. Please look at it, and at its backup."


class UnknownKey(KeyFileError):
    """A file has no key of this name."""

    code = "keys.unknown"
    sentence = "Nothing was changed; `keys list` shows which keys there are."


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys by id, oldest first; `current` seals, all open."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def newest(self) -> str:
        """The id of the key that was added last."""
        return list(self.keys)[-1]


def create_key_file(path: Path) -> None:
    """Write a new key file that only its owner can read; FileExistsError rather than lose a key in use."""
    create_private(path, _content(Keys(current="k1", keys={"k1": secrets.token_bytes(KEY_BYTES)})))


def read_key_file(path: Path) -> Keys:
    """Read a key file as these functions write it; KeyFileError when it is anything else."""
    try:
        return _keys(orjson.loads(path.read_bytes()))
    except (OSError, KeyError, TypeError, AttributeError, ValueError):
        raise KeyFileError(f"{path.name} is no readable key file") from None


def add_key(path: Path) -> Keys:
    """Add a new key, which opens and does not seal yet; returns the keys as they are then. KeyFileError."""
    keys = read_key_file(path)
    number = len(keys.keys) + 1
    while f"k{number}" in keys.keys:
        number += 1
    return _replace(path, Keys(current=keys.current, keys={**keys.keys, f"k{number}": secrets.token_bytes(KEY_BYTES)}))


def use_newest(path: Path) -> Keys:
    """Let the newest key seal from now on; returns the keys as they are then. KeyFileError."""
    keys = read_key_file(path)
    return keys if keys.current == keys.newest else _replace(path, Keys(current=keys.newest, keys=keys.keys))


def require_key(path: Path, name: str) -> Keys:
    """Return the keys of a file; UnknownKey when none has this name."""
    keys = read_key_file(path)
    if name not in keys.keys:
        raise UnknownKey(f"{path.name} has no key {name}.")
    return keys


def drop_key(path: Path, name: str) -> Keys:
    """Take a key out for good; KeyFileError for the one that seals, UnknownKey for one that is not there."""
    keys = require_key(path, name)
    if name == keys.current:
        raise KeyFileError(f"{name} is the key that seals: rotate the keys first.")
    return _replace(path, Keys(current=keys.current, keys={id_: key for id_, key in keys.keys.items() if id_ != name}))


def _keys(value: Any) -> Keys:
    keys = {name: base64.urlsafe_b64decode(key) for name, key in value["keys"].items()}
    usable = all(len(key) == KEY_BYTES and name.isalnum() for name, key in keys.items())
    if value["current"] not in keys or not usable:
        raise ValueError("the keys are not usable")
    return Keys(current=value["current"], keys=keys)


def _replace(path: Path, keys: Keys) -> Keys:
    try:
        replace_private(path, _content(keys))
    except OSError as error:
        raise KeyFileError(f"{path.name}: {error.strerror}") from None
    return keys


def _content(keys: Keys) -> bytes:
    written = {name: base64.urlsafe_b64encode(key).decode() for name, key in keys.keys.items()}
    return orjson.dumps({"current": keys.current, "keys": written}, option=orjson.OPT_INDENT_2)
