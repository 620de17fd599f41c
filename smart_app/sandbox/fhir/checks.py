"""What a resource must be before it is stored: the right type, its required elements, references that exist."""

import re
from collections.abc import Iterator
from typing import Any

from smart_app.sandbox.fhir.outcomes import Malformed, NotFound, Unprocessable
from smart_app.sandbox.fhir.parameters import TYPES
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.fhir.terms import Resource, elements, split_reference

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_PUBLICATION = frozenset(("draft", "active", "retired", "unknown"))

REQUIRED: dict[str, tuple[str, ...]] = {
    "CodeSystem": ("status", "content"),
    "CommunicationRequest": ("status",),
    "Condition": ("subject",),
    "DocumentReference": ("status", "content"),
    "Encounter": ("status", "class"),
    "Observation": ("status", "code", "subject"),
    "Provenance": ("target", "recorded", "agent"),
    "Questionnaire": ("status",),
    "QuestionnaireResponse": ("status",),
    "Task": ("status", "intent"),
    "ValueSet": ("status",),
}
"""Elements of cardinality 1..1 or 1..* in R4, and `subject` where every EHR asks for one."""

STATUSES: dict[str, frozenset[str]] = {
    "CodeSystem": _PUBLICATION,
    "DocumentReference": frozenset(("current", "superseded", "entered-in-error")),
    "Encounter": frozenset(
        (
            "planned",
            "arrived",
            "triaged",
            "in-progress",
            "onleave",
            "finished",
            "cancelled",
            "entered-in-error",
            "unknown",
        )
    ),
    "Observation": frozenset(
        ("registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown")
    ),
    "Questionnaire": _PUBLICATION,
    "QuestionnaireResponse": frozenset(("in-progress", "completed", "amended", "entered-in-error", "stopped")),
    "ValueSet": _PUBLICATION,
}
"""Required bindings of `status` in R4."""


def check_type(resource_type: str) -> None:
    """Raise NotFound for a type this server does not keep."""
    if resource_type not in TYPES:
        raise NotFound(f"this server keeps no {resource_type[:64]}")


def check_id(resource_id: object) -> None:
    """Raise Unprocessable for an id that is not one of FHIR's."""
    if not isinstance(resource_id, str) or not _ID.fullmatch(resource_id) or resource_id in (".", ".."):
        raise Unprocessable("an id has 1 to 64 letters, digits, dots and hyphens", expression="id")


def check_resource(resource: Resource, resource_type: str) -> None:
    """Raise Unprocessable when a resource is not of this type or lacks what R4 requires of it."""
    if "resourceType" not in resource:
        raise Unprocessable("resourceType is missing", expression="resourceType")
    if resource["resourceType"] != resource_type:
        raise Unprocessable(f"this is not a {resource_type}", expression="resourceType")
    if not isinstance(resource.get("meta", {}), dict):
        raise Unprocessable("meta must be an object", expression="meta")
    for name in REQUIRED.get(resource_type, ()):
        if name not in resource:
            raise Unprocessable(f"{resource_type}.{name} is missing", expression=f"{resource_type}.{name}")
    statuses = STATUSES.get(resource_type)
    if statuses and str(resource["status"]) not in statuses:
        raise Unprocessable(f"{resource_type}.status is none of its codes", expression=f"{resource_type}.status")
    if resource_type == "Observation":
        _check_observation(resource)


def check_update(resource: Resource, resource_type: str, resource_id: str) -> None:
    """Raise what check_resource raises, and Malformed when the id is not the one in the URL."""
    check_id(resource_id)
    check_resource(resource, resource_type)
    if "id" in resource:
        check_id(resource["id"])
    if resource.get("id") != resource_id:
        raise Malformed("the resource must carry the id of the URL", expression=f"{resource_type}.id")


def check_references(resource: Resource, store: ResourceStore, fhir_base: str) -> None:
    """Raise Unprocessable when the patient or encounter meant does not exist, or a `urn:uuid` was left unresolved."""
    resource_type = resource["resourceType"]
    for reference in references(resource):
        if reference["reference"].startswith("urn:uuid:"):
            raise Unprocessable("a urn:uuid reference points to nothing in this request", expression=resource_type)
    for path in (("subject",), ("patient",), ("for",), ("encounter",), ("context", "encounter")):
        for node in references(list(elements(resource, path))):
            _check_exists(node["reference"], f"{resource_type}.{'.'.join(path)}", store, fhir_base)


def references(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside a resource that has a literal `reference`."""
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def _check_exists(reference: str, expression: str, store: ResourceStore, fhir_base: str) -> None:
    if reference.startswith("#"):
        return
    kind, key = split_reference(reference, fhir_base)
    try:
        store.read(kind, key)
    except NotFound:
        raise Unprocessable("this reference points to nothing on this server", expression=expression) from None


def _check_observation(resource: Resource) -> None:
    """Check the invariant obs-6: dataAbsentReason only where there is no value."""
    has_value = any(name.startswith("value") for name in resource)
    if has_value and "dataAbsentReason" in resource:
        raise Unprocessable(
            "obs-6: dataAbsentReason is only for an Observation without a value", expression="Observation"
        )
