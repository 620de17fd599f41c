"""Searching among definitions as FHIR R4 has it (hl7.org/fhir/R4/search.html): tokens, URIs, alternatives by comma."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_STATUS: Final = "http://hl7.org/fhir/publication-status"


def found(resources: Iterable[Mapping[str, Any]], criteria: Iterable[tuple[str, str]]) -> list[Mapping[str, Any]]:
    """Return the definitions that fit all criteria, each a parameter with its value.

    Parameters are `_id`, `url` (which may be pinned: `url|version`), `version` and `status`; values that are separated
    by commas are alternatives.
    """
    asked = [(name, value.split(",")) for name, value in criteria]
    return [each for each in resources if all(any(_fits(each, name, one) for one in values) for name, values in asked)]


def _fits(resource: Mapping[str, Any], name: str, value: str) -> bool:
    match name:
        case "url":
            url, _, version = value.partition("|")
            return resource["url"] == url and version in ("", resource["version"])
        case "status":
            system, bar, code = value.rpartition("|")
            return resource["status"] == code and (not bar or system == _STATUS)
        case "version":
            return str(resource["version"]) == value.removeprefix("|")
        case _:
            return str(resource["id"]) == value
