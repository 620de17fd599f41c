"""Every instrument found, checked and compiled; a faulty file leaves the rest usable and says so."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from marshmallow import Schema, ValidationError

from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.build import build_instrument
from fhir_alliance.instruments.consistency import wording_faults
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.schema import DefinitionSchema, WordingSchema
from fhir_alliance.instruments.source import Path, Source, SourceError, read_source


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The instruments that loaded, and a line `file:line: reason` for each fault in those that did not."""

    instruments: tuple[Instrument, ...]
    faults: tuple[str, ...]

    def instrument(self, name: str, version: str | None = None) -> Instrument:
        """Return an instrument, the newest version unless one is named; InvalidDefinition when there is none."""
        found = [each for each in self.instruments if each.name == name and version in (None, each.version)]
        if not found:
            raise InvalidDefinition(
                [f"no instrument {name} {version or ''} is installed".replace("  ", " "), *self.faults]
            )
        return max(found, key=lambda each: tuple(int(part) for part in each.version.split(".")))

    def of_form(self, canonical: str) -> tuple[Instrument, Form]:
        """Return the form with this pinned canonical, and its instrument; InvalidDefinition when there is none."""
        for instrument in self.instruments:
            for form in instrument.forms:
                if form.canonical == canonical:
                    return instrument, form
        raise InvalidDefinition([f"no form {canonical} is installed"])


@lru_cache(maxsize=1)
def shipped() -> Catalogue:
    """Return the catalogue that comes with the product."""
    return read_catalogue(files("questionnaires"))


def read_catalogue(folder: Traversable) -> Catalogue:
    """Read `<instrument>/<version>.yaml` and `<instrument>/<version>.<language>.yaml` below a folder."""
    instruments: list[Instrument] = []
    faults: list[str] = []
    for raw in _versions(folder):
        try:
            instruments.append(_read_version(raw))
        except InvalidDefinition as error:
            faults.extend(error.faults)
    return Catalogue(instruments=tuple(instruments), faults=tuple(faults))


def _versions(folder: Traversable) -> Iterator[dict[str, bytes]]:
    """Yield the files of each version by name, the definition first."""
    for instrument in sorted((each for each in folder.iterdir() if each.is_dir()), key=lambda each: each.name):
        files_by_name = {each.name: each for each in instrument.iterdir() if each.name.endswith(".yaml")}
        for name in sorted(files_by_name):
            if name.removesuffix(".yaml").count(".") == _DOTS_IN_A_VERSION:
                prefix = name.removesuffix("yaml")
                wordings = sorted(each for each in files_by_name if each.startswith(prefix) and each != name)
                yield {f"{instrument.name}/{each}": files_by_name[each].read_bytes() for each in (name, *wordings)}


_DOTS_IN_A_VERSION = 2


def _read_version(raw: Mapping[str, bytes]) -> Instrument:
    loaded: list[tuple[Source, dict[str, Any]]] = []
    faults: list[str] = []
    for name, data in raw.items():
        schema = WordingSchema() if loaded or faults else DefinitionSchema()
        try:
            loaded.append(_load(schema, read_source(name, data)))
        except SourceError as error:
            faults.append(str(error))
        except InvalidDefinition as error:
            faults.extend(error.faults)
    if not faults:
        faults = _check_together(loaded)
    if faults:
        raise InvalidDefinition(faults)
    (_, definition), *wordings = loaded
    return build_instrument(definition, [words for _, words in wordings], digest=_digest(raw))


def _load(schema: Schema, source: Source) -> tuple[Source, dict[str, Any]]:
    try:
        return source, schema.load(source.values)
    except ValidationError as error:
        raise InvalidDefinition([source.fault(path, reason) for path, reason in _flat(error.messages)]) from None


def _check_together(loaded: list[tuple[Source, dict[str, Any]]]) -> list[str]:
    (first, definition), *wordings = loaded
    shipped_words = definition["licence"]["wording"] in ("open", "attribution")
    lacking = shipped_words and not wordings
    faults: list[str] = [first.fault((), "there is no file with its words")] if lacking else []
    for source, words in wordings:
        if (words["instrument"], words["version"]) != (definition["instrument"], definition["version"]):
            faults.append(source.fault(("version",), "is not the version of the definition beside it"))
        faults += [source.fault(path, reason) for path, reason in _flat(wording_faults(definition, words))]
    return faults


def _flat(messages: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Walk marshmallow's nested messages to (path, reason) pairs."""
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            yield from _flat(value, path if key in ("_schema", "key", "value") else (*path, key))
    else:
        for message in messages:
            yield path, str(message)


def _digest(raw: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(raw):
        digest.update(name.encode() + b"\0" + raw[name] + b"\0")
    return digest.hexdigest()
