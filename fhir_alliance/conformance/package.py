"""The FHIR package: one gzipped tar, the same bytes each time it is made from the same definitions (spec row P01)."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import orjson

from fhir_alliance.conformance.contents import Chosen, choose, definitions, edition_of
from fhir_alliance.conformance.examples import examples
from fhir_alliance.conformance.guide import PACKAGE, implementation_guide, manifest
from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.records.codes import JsonObject

_INDEXED = ("id", "url", "version", "kind", "type")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package made: its bytes, how many resources are in it, and what was taken from the site or left out."""

    name: str
    version: str
    data: bytes = field(repr=False)
    resources: int
    chosen: Chosen

    @property
    def file_name(self) -> str:
        """The file name that registries and tools expect."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def build_package(catalogue: Catalogue, *, today: date) -> Package:
    """Make the package of a catalogue; `today` decides which licences are still good.

    Raises InvalidDefinition when a file of the catalogue has a fault: a package is whole or not made.
    """
    if catalogue.faults:
        raise InvalidDefinition(catalogue.faults)
    chosen = choose(catalogue, today=today)
    edition = edition_of(chosen)
    defined = list(definitions(edition, chosen))
    shown = examples(chosen.ready)
    resources = [implementation_guide(edition, defined, shown), *defined]
    files = {
        "package/package.json": _json(manifest(edition)),
        **_folder("package", resources),
        **_folder("package/example", shown),
    }
    return Package(
        name=PACKAGE,
        version=edition.version,
        data=_archive(files),
        resources=len(resources) + len(shown),
        chosen=chosen,
    )


def _folder(folder: str, resources: Iterable[JsonObject]) -> dict[str, bytes]:
    """Return the files of a folder by path: one per resource, and their index."""
    by_name = {f"{each['resourceType']}-{each['id']}.json": each for each in resources}
    listed = [
        {"filename": name, "resourceType": each["resourceType"], **{key: each[key] for key in _INDEXED if key in each}}
        for name, each in sorted(by_name.items())
    ]
    return {
        f"{folder}/.index.json": _json({"index-version": 2, "files": listed}),
        **{f"{folder}/{name}": _json(each) for name, each in by_name.items()},
    }


def _json(value: JsonObject) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar in which nothing depends on the machine: sorted, no owner, no time."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)  # mode 0644, uid, gid and mtime 0
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
