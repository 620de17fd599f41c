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
from fhir_alliance.instruments.schema import DefinitionSchema
from fhir_alliance.instruments.source import Path, Source, SourceError, read_source
from fhir_alliance.instruments.wording_schema import PackSchema, WordingSchema


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


def installed(packs: Traversable | None) -> Catalogue:
    """Return what comes with the product, with the words that a site has loaded."""
    return read_catalogue(files("questionnaires"), packs=packs) if packs else shipped()


def read_catalogue(folder: Traversable, *, packs: Traversable | None = None) -> Catalogue:
    """Read `<instrument>/<version>.yaml` and `<instrument>/<version>.<language>.yaml` below a folder.

    `packs` is a site's folder of `<instrument>.<language>.yaml`: words with the record of their licence. A faulty pack
    is left out and told; the instrument stays as it is without it.
    """
    instruments: list[Instrument] = []
    faults: list[str] = []
    own = _packs(packs) if packs else {}
    for raw in _versions(folder):
        mine = {name: data for name, data in own.items() if _pack_of(name) == _instrument_of(raw)}
        try:
            instrument, more = _read_version(raw, mine)
        except InvalidDefinition as error:
            faults.extend(error.faults)
        else:
            instruments.append(instrument)
            faults.extend(more)
    names = {each.name for each in instruments}
    faults += [f"{name}:1: is for no instrument that is installed" for name in own if _pack_of(name) not in names]
    return Catalogue(instruments=tuple(instruments), faults=tuple(faults))


def _packs(folder: Traversable) -> dict[str, bytes]:
    files_by_name = {each.name: each for each in folder.iterdir() if each.name.endswith(".yaml")}
    return {f"{folder.name}/{name}": files_by_name[name].read_bytes() for name in sorted(files_by_name)}


def _pack_of(name: str) -> str:
    """Return the instrument that a pack `folder/<instrument>.<language>.yaml` is for."""
    return name.rpartition("/")[2].partition(".")[0]


def _instrument_of(raw: Mapping[str, bytes]) -> str:
    return next(iter(raw)).partition("/")[0]


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


def _read_version(raw: Mapping[str, bytes], packs: Mapping[str, bytes]) -> tuple[Instrument, list[str]]:
    """Return the instrument of one version and the faults of its packs; InvalidDefinition for its own faults."""
    (name, data), *rest = raw.items()
    first, definition = _load(DefinitionSchema(), name, data)
    wordings, faults = _read_wordings(WordingSchema(), dict(rest), definition)
    if not wordings and not faults and definition["licence"]["wording"] in ("open", "attribution"):
        faults = [first.fault((), "there is no file with its words")]
    if faults:
        raise InvalidDefinition(faults)
    own, refused = _read_wordings(PackSchema(), packs, definition)
    used = {name: data for name, data in packs.items() if not any(fault.startswith(f"{name}:") for fault in refused)}
    return build_instrument(definition, wordings + own, digest=_digest({**raw, **used})), refused


def _read_wordings(
    schema: Schema, raw: Mapping[str, bytes], definition: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    wordings: list[dict[str, Any]] = []
    faults: list[str] = []
    for name, data in raw.items():
        try:
            source, words = _load(schema, name, data)
        except InvalidDefinition as error:
            faults += error.faults
            continue
        found = _wording_faults(source, words, definition)
        faults += found
        if not found:
            wordings.append(words)
    return wordings, faults


def _load(schema: Schema, name: str, data: bytes) -> tuple[Source, dict[str, Any]]:
    try:
        source = read_source(name, data)
        return source, schema.load(source.values)
    except SourceError as error:
        raise InvalidDefinition([str(error)]) from None
    except ValidationError as error:
        raise InvalidDefinition([source.fault(path, reason) for path, reason in _flat(error.messages)]) from None


def _wording_faults(source: Source, words: dict[str, Any], definition: dict[str, Any]) -> list[str]:
    if (words["instrument"], words["version"]) != (definition["instrument"], definition["version"]):
        return [source.fault(("version",), "is not the version of the definition it belongs to")]
    return [source.fault(path, reason) for path, reason in _flat(wording_faults(definition, words))]


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
