"""The public keys of the readers: from a file of the site, or from the one address that is registered."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from joserfc.jwk import KeySet

from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.keys import KeyCache, public_keys
from fhir_alliance.errors import EhrUnreachable, InvalidSettings
from fhir_alliance.strict_json import strict_json


class KeyOwner(Protocol):
    """Who signs: a reader, or an EHR that asks for cards; its keys are in a file or at an address."""

    @property
    def name(self) -> str:
        """What its keys are kept under."""

    @property
    def jwks_file(self) -> Path | None:
        """The file, if it is one."""

    @property
    def jwks_uri(self) -> str | None:
        """The address, if it is one."""

    @property
    def allow_private(self) -> bool:
        """Whether the address may be one of a private network."""


class ReaderKeys:
    """The registered keys of each reader; thread safe."""

    def __init__(self, readers: Mapping[str, KeyOwner], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raise InvalidSettings with every key file that is none."""
        self._clock = clock
        self._lock = threading.Lock()
        self._caches: dict[str, KeyCache] = {}
        faults = [fault for each in readers.values() if each.jwks_file and (fault := _fault(each.jwks_file))]
        if faults:
            raise InvalidSettings(faults)

    def of(self, reader: KeyOwner, kid: str) -> KeySet:
        """Return a reader's keys: a file as it is now, an address fetched again when that can help.

        Raises EhrUnreachable when there are none to be had.
        """
        if reader.jwks_file:
            return _read(reader.jwks_file)
        with self._lock:
            cache = self._caches.setdefault(reader.name, KeyCache(partial(_fetch, reader), self._clock))
        return cache.get(kid)


def _read(path: Path) -> KeySet:
    try:
        return public_keys(strict_json(path.read_bytes()))
    except (OSError, ValueError):
        raise EhrUnreachable("the key file cannot be read") from None


def _fault(path: Path) -> str:
    try:
        keys = _read(path)
    except EhrUnreachable as error:
        return f"{path.name}: is not a readable JWKS ({error.detail})"
    private = any(key.is_private for key in keys)
    return f"{path.name}: holds a private key; give the public keys only" if private else ""


def _fetch(reader: KeyOwner) -> Any:
    address = reader.jwks_uri or ""
    answer = Door(base_urls=[address], allow_private=reader.allow_private).request("GET", address)
    if not answer.ok:
        raise EhrUnreachable(f"HTTP {answer.status} instead of keys")
    return answer.json()
