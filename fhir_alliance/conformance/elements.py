"""The pieces of a profile: elements, their constraints, and the profile around them (FHIR R4 ElementDefinition)."""

import re
from typing import Any

from fhir_alliance.conformance.canonicals import FHIR_VERSION, Edition, definition
from fhir_alliance.records.codes import JsonObject

_SLICE = re.compile(r":([^.]+)")


def profile(
    edition: Edition,
    name: str,
    *,
    title: str,
    description: str,
    base: str,
    elements: list[JsonObject],
    **content: Any,
) -> JsonObject:
    """Return a profile as a differential; its first element names the resource type."""
    return definition(
        edition,
        "StructureDefinition",
        name,
        title=title,
        description=f"{description} A differential: its snapshot is made from the base profile's own package.",
        fhirVersion=FHIR_VERSION,
        kind="resource",
        abstract=False,
        type=elements[0]["path"],
        baseDefinition=base,
        derivation="constraint",
        differential={"element": elements},
        **content,
    )


def element(id: str, **content: Any) -> JsonObject:  # noqa: A002  # FHIR's own word
    """Return one element; its path and the name of its slice follow from its id, e.g. `Observation.category:survey`."""
    slices = _SLICE.findall(id.rpartition(".")[2])
    return {"id": id, "path": _SLICE.sub("", id), **({"sliceName": slices[0]} if slices else {}), **content}


def constraint(key: str, human: str, expression: str) -> JsonObject:
    """Return a rule of ours that must hold, as FHIRPath."""
    return {"key": key, "severity": "error", "human": human, "expression": expression}


def sliced(kind: str, path: str) -> JsonObject:
    """Return how an element is told into slices; others may stand beside them."""
    return {"discriminator": [{"type": kind, "path": path}], "rules": "open"}


def pattern(concept: JsonObject) -> JsonObject:
    """Return what of a concept has to be there: system and code; words may differ."""
    return {"coding": [{key: coding[key] for key in ("system", "code")} for coding in concept["coding"]]}


def referring(*profiles: str) -> list[JsonObject]:
    """Return the type of a reference to resources of these profiles."""
    return [{"code": "Reference", "targetProfile": list(profiles)}]


def required(value_set: str) -> JsonObject:
    """Return a binding to a value set that leaves no other code."""
    return {"strength": "required", "valueSet": value_set}
