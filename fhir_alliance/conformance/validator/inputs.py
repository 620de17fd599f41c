"""The files to check: resources as JSON, NDJSON, folders of them, and packages; what cannot be read is told."""

import gzip
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fhir_alliance.conformance.validator.findings import Finding, JsonObject, error
from fhir_alliance.strict_json import strict_json

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_PACKAGE_FILES: Final = 10_000

# Files of a package, or of a folder made from one, that are no resources.
_NO_RESOURCES = frozenset({"package.json", ".index.json"})


@dataclass(frozen=True, kw_only=True)
class Document:
    """One resource, or why there is none; `line` is its line in an NDJSON file, from 1."""

    name: str
    line: int | None
    resource: JsonObject | None
    fault: Finding | None


def read_documents(path: Path) -> Iterator[Document]:
    """Yield what is in a file, a folder (`*.json` and `*.ndjson` below it), or a package (`*.tgz`)."""
    if path.is_dir():
        for each in sorted(found for found in path.rglob("*") if _is_wanted(found.relative_to(path))):
            yield from _of_file(each)
    else:
        yield from _of_file(path)


def _is_wanted(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.suffix in (".json", ".ndjson") and path.name not in _NO_RESOURCES


def _of_file(path: Path) -> Iterator[Document]:
    name = str(path)
    try:
        if path.suffix == ".tgz":
            yield from _of_package(path)
        elif path.stat().st_size > MAX_BYTES:
            yield _refused(name, f"The file is larger than {_mebibytes()} MiB.")
        else:
            yield from _of_bytes(name, path.read_bytes())
    except OSError as problem:
        yield _refused(name, f"The file cannot be read: {problem.strerror or problem}.")


def _of_bytes(name: str, body: bytes) -> Iterator[Document]:
    if not name.endswith(".ndjson"):
        yield _parsed(name, None, body)
        return
    for number, line in enumerate(body.splitlines(), start=1):
        if line.strip():
            yield _parsed(name, number, line)


def _of_package(path: Path) -> Iterator[Document]:
    """Yield the resources of a package: `package/*.json`, and its examples; no more than the bounds, unpacked."""
    left = MAX_BYTES
    try:
        with tarfile.open(path, "r|gz") as archive:
            for number, member in enumerate(archive):
                name = f"{path}!{member.name}"
                if number >= MAX_PACKAGE_FILES or member.size > left:
                    yield _refused(str(path), f"The package is larger than {_mebibytes()} MiB when unpacked.")
                    return
                left -= member.size
                content = archive.extractfile(member) if _is_wanted(Path(member.name)) else None
                if content:
                    yield _parsed(name, None, content.read())
    except (tarfile.TarError, EOFError, gzip.BadGzipFile):
        yield _refused(str(path), "The file is not a whole gzipped tar archive.")


def _parsed(name: str, line: int | None, body: bytes) -> Document:
    try:
        content: Any = strict_json(body)
    except ValueError as problem:
        return _refused(name, f"Not JSON as FHIR means it: {problem}.", line)
    if not isinstance(content, dict):
        return _refused(name, "Not a resource: JSON, but no object.", line)
    return Document(name=name, line=line, resource=content, fault=None)


def _refused(name: str, sentence: str, line: int | None = None) -> Document:
    return Document(name=name, line=line, resource=None, fault=error("", "input", sentence))


def _mebibytes() -> int:
    return MAX_BYTES // 1024 // 1024
