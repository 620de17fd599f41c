"""The folder of definitions, read once and kept beside its files in the short form that loads fast."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from fhir_alliance.conformance.validator.compiling import add_definitions, no_definitions
from fhir_alliance.conformance.validator.definitions import Definitions
from fhir_alliance.conformance.validator.findings import JsonObject, objects
from fhir_alliance.errors import NoDefinitions

DEFAULT_FOLDER = Path(".cache/definitions")

# The form of the kept file: another number is read again from the source.
_COMPILED = "compiled-3.json"


def read_definitions(folder: Path) -> Definitions:
    """Read the StructureDefinitions, ValueSets and CodeSystems of all `*.json` in a folder, resources or Bundles.

    Raises NoDefinitions when the folder does not define FHIR R4, with how to get it.
    """
    sources = sorted(each for each in folder.glob("*.json") if each.name != _COMPILED)
    stamp: list[list[str | int]] = [[each.name, each.stat().st_size, each.stat().st_mtime_ns] for each in sources]
    kept = folder / _COMPILED
    compiled = _kept(kept, stamp)
    if compiled is None:
        compiled = no_definitions()
        for each in sources:
            _read(compiled, each)
        if "Observation" not in compiled["resources"] or not compiled["value_sets"]:
            raise NoDefinitions(f"{folder} does not define FHIR R4.")
        _keep(kept, {"stamp": stamp, "compiled": compiled})
    return Definitions(compiled)


def _kept(path: Path, stamp: list[list[str | int]]) -> JsonObject | None:
    try:
        kept = orjson.loads(path.read_bytes())
        return dict(kept["compiled"]) if kept["stamp"] == stamp else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _keep(path: Path, content: JsonObject) -> None:
    """Write the short form in one step; a folder that may not be written to is only slower."""
    part = path.with_suffix(".part")
    try:
        part.write_bytes(orjson.dumps(content))
        part.replace(path)
    except OSError:
        return


def _read(compiled: JsonObject, path: Path) -> None:
    try:
        add_definitions(compiled, _resources(path))
    except (LookupError, TypeError, AttributeError):
        raise NoDefinitions(f"{path} holds a definition that is not whole.") from None


def _resources(path: Path) -> Iterator[JsonObject]:
    try:
        content = orjson.loads(path.read_bytes())
    except ValueError:
        raise NoDefinitions(f"{path} is not JSON.") from None
    if not isinstance(content, dict):
        raise NoDefinitions(f"{path} is not a resource.")
    if content.get("resourceType") == "Bundle":
        yield from (entry["resource"] for entry in objects(content.get("entry")) if "resource" in entry)
    else:
        yield content
