"""The FHIR package as a file: written once, never silently replaced by another of the same name."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from fhir_alliance.conformance.package import build_package
from fhir_alliance.instruments.catalogue import installed


class PackingError(Exception):
    """The package was made, but its file could not be written; the message says why and what to do."""


def write_package(output: Path | None, packs: Path | None, *, force: bool, today: date) -> Iterator[str]:
    """Write the package and yield what to tell about it; `packs` is the site's folder of words.

    Raises InvalidDefinition when the catalogue or a pack has faults, PackingError when the file is there with other
    content and not to be replaced, or cannot be written.
    """
    made = build_package(installed(packs), today=today)
    target = output or Path(made.file_name)
    try:
        _write(target, made.data, force=force)
    except OSError as error:
        raise PackingError(f"{target}: {error.strerror}") from None
    for reason in made.chosen.left_out:
        yield f"left out  {reason}"
    for instrument in made.chosen.licensed:
        yield f"licensed  {instrument.name}: hand the package on only as far as its licence allows"
    yield f"package   {target}"
    yield f"resources {made.resources}"
    yield f"sha256    {made.digest}"


def _write(target: Path, data: bytes, *, force: bool) -> None:
    """Write the file in one step; one with the same content stays as it is."""
    if target.exists() and not force:
        if target.read_bytes() == data:
            return
        raise PackingError(f"{target} is there with other content: give the new one another name, or use --force.")
    part = target.with_name(f"{target.name}.part")
    part.write_bytes(data)
    part.replace(target)
