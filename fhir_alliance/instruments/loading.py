"""One file read and held against its schema; whatever is wrong with it is told by file, line and reason."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any

from marshmallow import Schema, ValidationError

from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.source import Path, Source, SourceError, read_bytes, read_source


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A file that its schema accepts: its checked values, the lines they stand in, and the bytes it was."""

    source: Source
    values: dict[str, Any]
    data: bytes

    @property
    def key(self) -> tuple[str, str]:
        """The instrument and the version that it says it is for."""
        return self.values["instrument"], self.values["version"]

    def fault(self, path: Path, reason: str) -> str:
        """Return `file:line: where: reason`."""
        return self.source.fault(path, reason)

    def faults(self, messages: Any) -> list[str]:
        """Return a line for each of marshmallow's nested messages."""
        return [self.fault(path, reason) for path, reason in _flat(messages)]


def load(schema: Schema, name: str, file: Traversable) -> Loaded:
    """Read one file, which faults call `name`; InvalidDefinition with everything that is wrong with it."""
    try:
        data = read_bytes(name, file)
        source = read_source(name, data)
        return Loaded(source=source, values=schema.load(source.values), data=data)
    except SourceError as error:
        raise InvalidDefinition([str(error)]) from None
    except ValidationError as error:
        raise InvalidDefinition([source.fault(path, reason) for path, reason in _flat(error.messages)]) from None


def digest_of(loaded: Iterable[Loaded]) -> str:
    """Return the SHA-256 of the names and bytes of some files, in whatever order they come."""
    digest = hashlib.sha256()
    for name, data in sorted((each.source.name, each.data) for each in loaded):
        digest.update(name.encode() + b"\0" + data + b"\0")
    return digest.hexdigest()


def _flat(messages: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Walk marshmallow's nested messages to (path, reason) pairs."""
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            yield from _flat(value, path if key in ("_schema", "key", "value") else (*path, key))
    else:
        for message in messages:
            yield path, str(message)
