"""What every definition of ours says of itself (spec row P03), and how the others name it."""

from dataclasses import dataclass
from typing import Any

from fhir_alliance.instruments.questionnaire import WORLD
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.terms import PUBLISHER, canonical

FHIR_VERSION = "4.0.1"
US_CORE_VERSION = "6.1.0"  # the oldest our records are valid in
SDC_VERSION = "3.0.0"  # the one US Core 6.1 depends on


@dataclass(frozen=True, kw_only=True)
class Edition:
    """One state of our definitions: its version, and the day of the newest instrument in it."""

    version: str
    date: str

    def pinned(self, resource_type: str, name: str) -> str:
        """Return the canonical of a definition of this edition, with its version."""
        return f"{canonical(resource_type, name)}|{self.version}"


def definition(
    edition: Edition, resource_type: str, name: str, /, *, title: str, description: str, **content: Any
) -> JsonObject:
    """Return a definition; `content` is what its type adds, or says otherwise."""
    return {
        "resourceType": resource_type,
        "id": name,
        "url": canonical(resource_type, name),
        "version": edition.version,
        "name": "".join(part.title() for part in name.split("-")),
        "title": title,
        "status": "active",
        "experimental": False,
        "date": edition.date,
        "publisher": PUBLISHER,
        "description": description,
        "jurisdiction": [WORLD],
        **content,
    }
