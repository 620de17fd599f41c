"""Every instrument found, checked and compiled; a faulty file leaves the rest usable and says so."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.build import build_instrument
from fhir_alliance.instruments.consistency import wording_faults
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.loading import Loaded, digest_of, load
from fhir_alliance.instruments.packs import read_packs, usable_packs
from fhir_alliance.instruments.schema import DefinitionSchema
from fhir_alliance.instruments.sdc.folder import read_own_forms
from fhir_alliance.instruments.source import entries
from fhir_alliance.instruments.wording_schema import WordingSchema
from fhir_alliance.terms import SNOMED


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The instruments that loaded, and a line `file:line: reason` for each fault in those that did not.

    `remarks` say what of a site's own forms is not used.
    """

    instruments: tuple[Instrument, ...]
    faults: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def instrument(self, name: str, version: str | None = None) -> Instrument:
        """Return an instrument, the newest version unless one is named; InvalidDefinition when there is none."""
        found = [each for each in self.instruments if each.name == name and version in (None, each.version)]
        if not found:
            raise InvalidDefinition(
                [f"no instrument {name} {version or ''} is installed".replace("  ", " "), *self.faults]
            )
        return max(found, key=lambda each: [int(part) for part in re.findall("[0-9]+", each.version)])

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


def installed(
    packs: Traversable | None,
    *,
    snomed: bool = False,
    own_forms: Traversable | None = None,
    free_text: str = "",
) -> Catalogue:
    """Return what comes with the product, with the words that a site has loaded and the forms of its own.

    Codes of SNOMED CT, whose use needs a licence of the site, are left out unless it says that it has one. `own_forms`
    is a folder of FHIR Questionnaires, `<name>.json`; they may ask for free text only where `free_text` says who reads
    it.
    """
    found = read_catalogue(files("questionnaires"), packs=packs) if packs else shipped()
    catalogue = found if snomed else replace(found, instruments=tuple(map(_without_snomed, found.instruments)))
    if own_forms is None:
        return catalogue
    own = read_own_forms(own_forms, {each.name for each in catalogue.instruments}, free_text=free_text)
    return Catalogue(
        instruments=(*catalogue.instruments, *own.instruments),
        faults=(*catalogue.faults, *own.faults),
        remarks=own.remarks,
    )


def _without_snomed(instrument: Instrument) -> Instrument:
    kept = tuple(code for code in instrument.codes if code.system != SNOMED)
    return instrument if kept == instrument.codes else replace(instrument, codes=kept)


def read_catalogue(folder: Traversable, *, packs: Traversable | None = None) -> Catalogue:
    """Read `<instrument>/<version>.yaml` and `<instrument>/<version>.<language>.yaml` below a folder.

    `packs` is a site's folder of `<instrument>.<language>.yaml` or `<instrument>.<version>.<language>.yaml`: words with
    the record of their licence, each for the version it names. A faulty pack is left out and told; the instrument stays
    as it is without it. Files that differ in what they say about one version are all refused.
    """
    read, faults = _read_versions(folder)
    versions, doubted = _unambiguous(read)
    own, unread = read_packs(packs) if packs else ([], [])
    used, refused = usable_packs(own, [each.definition for each in versions])
    return Catalogue(
        instruments=tuple(_instrument(each, used) for each in versions),
        faults=(*faults, *doubted, *unread, *refused),
    )


@dataclass(frozen=True, kw_only=True)
class _Version:
    """The files of one version: its definition and its words, which fit each other."""

    definition: Loaded
    wordings: tuple[Loaded, ...]

    @property
    def said(self) -> list[object]:
        """What the files say, however they are written."""
        return [each.values for each in (self.definition, *self.wordings)]


def _instrument(version: _Version, packs: Sequence[Loaded]) -> Instrument:
    wordings = [*version.wordings, *(pack for pack in packs if pack.key == version.definition.key)]
    return build_instrument(
        version.definition.values,
        [each.values for each in wordings],
        digest=digest_of([version.definition, *wordings]),
    )


def _unambiguous(versions: Sequence[_Version]) -> tuple[list[_Version], list[str]]:
    """Return each version once, and a fault for every file of a version that others say something else about."""
    groups: defaultdict[tuple[str, str], list[_Version]] = defaultdict(list)
    for version in versions:
        groups[version.definition.key].append(version)
    alike = {key: group for key, group in groups.items() if all(each.said == group[0].said for each in group)}
    faults = [
        each.definition.fault(("version",), f"{' '.join(key)} is also in {others}, with other content")
        for key, group in groups.items()
        if key not in alike
        for each in group
        if (others := ", ".join(other.definition.source.name for other in group if other is not each))
    ]
    return [group[0] for group in alike.values()], faults


def _read_versions(folder: Traversable) -> tuple[list[_Version], list[str]]:
    versions: list[_Version] = []
    faults: list[str] = []
    for name, entry in entries(folder.name, folder, faults).items():
        if not entry.is_dir():
            # What is beside the instruments' folders is not ours to judge, a folder that leads nowhere is.
            faults += [] if entry.is_file() else [f"{name}:1: is no folder that can be read"]
            continue
        for found in _files_of_versions(name, entries(name, entry, faults)):
            try:
                versions.append(_read_version(found))
            except InvalidDefinition as error:
                faults += error.faults
    return versions, faults


def _files_of_versions(folder: str, found: Mapping[str, Traversable]) -> Iterator[dict[str, Traversable]]:
    """Yield the files of each version by name, the definition first."""
    names = [each for each in found if each.endswith(".yaml")]
    for definition in names:
        if definition.removesuffix(".yaml").count(".") == _DOTS_IN_A_VERSION:
            prefix = definition.removesuffix("yaml")
            wordings = [each for each in names if each.startswith(prefix) and each != definition]
            yield {f"{folder}/{each}": found[each] for each in (definition, *wordings)}


_DOTS_IN_A_VERSION = 2


def _read_version(found: Mapping[str, Traversable]) -> _Version:
    """Return one version; InvalidDefinition with the faults of all its files."""
    (name, file), *rest = found.items()
    definition = load(DefinitionSchema(), name, file)
    wordings: list[Loaded] = []
    faults: list[str] = []
    for name, file in rest:
        try:
            words = load(WordingSchema(), name, file)
        except InvalidDefinition as error:
            faults += error.faults
        else:
            faults += _wording_faults(words, definition)
            wordings.append(words)
    if not rest and definition.values["licence"]["wording"] in ("open", "attribution"):
        faults = [definition.fault((), "there is no file with its words")]
    if faults:
        raise InvalidDefinition(faults)
    return _Version(definition=definition, wordings=tuple(wordings))


def _wording_faults(words: Loaded, definition: Loaded) -> list[str]:
    if words.key != definition.key:
        return [words.fault(("version",), "is not the version of the definition it belongs to")]
    return words.faults(wording_faults(definition.values, words.values))
