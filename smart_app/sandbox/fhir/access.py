"""What a bearer token allows: SMART scopes (v2, and v1 in their v2 meaning) as what may be seen and written."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from smart_app.sandbox.fhir.outcomes import Forbidden
from smart_app.sandbox.fhir.parameters import TYPES
from smart_app.sandbox.fhir.query import Params

_SCOPE = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]+)"
    r"\.(?P<permissions>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<filters>.+))?"
)
V1_LETTERS = {"read": "rs", "write": "cud", "*": "cruds"}
"""What a v1 scope means in v2 (SMART App Launch 2.2, "SMART Clinical Scope Syntax")."""

SHARED = frozenset(
    ("CodeSystem", "Location", "Organization", "Practitioner", "PractitionerRole", "Questionnaire", "ValueSet")
)
"""Types that belong to no patient: an app bound to one patient may look at them, never change them."""

_VERBS = {"c": "create", "r": "read", "u": "update", "s": "search"}

Within = tuple[Params, ...]
"""Filter sets of search parameters; a resource is within when it matches all filters of at least one set."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a bearer token allows: made by the authorization server, enforced on every FHIR call."""

    client_id: str
    scopes: tuple[str, ...]
    patient: str | None
    encounter: str | None
    user: str | None


TokenCheck = Callable[[str], Access | None]
"""Bearer token -> access, or None when it is unknown or expired."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One resource scope: on whose behalf, for which type (or *), which of c r u d s, limited to which resources."""

    level: str
    resource_type: str
    permissions: str
    filters: tuple[tuple[str, str], ...]


def read_scope(text: str) -> Scope | None:
    """Return a resource scope (SMART App Launch 2.2, "Scopes for requesting FHIR Resources"), None for any other."""
    found = _SCOPE.fullmatch(text)
    if not found:
        return None
    filters = found["filters"]
    return Scope(
        level=found["level"],
        resource_type=found["type"],
        permissions=V1_LETTERS.get(found["permissions"], found["permissions"]),
        filters=tuple(parse_qsl(filters, keep_blank_values=True)) if filters else (),
    )


def allowed(access: Access, resource_type: str, permission: str) -> Within:
    """Return what a token may create, read, update or search (`permission` is one of c r u s) among one type.

    Raises Forbidden when no granted scope allows it at all.
    """
    scopes = [scope for scope in map(read_scope, access.scopes) if scope]
    sets = [
        filters
        for scope in scopes
        if permission in scope.permissions and scope.resource_type in ("*", resource_type)
        if (filters := _filters(scope, access, resource_type, permission)) is not None
    ]
    if not sets:
        raise Forbidden(f"no granted scope allows to {_VERBS[permission]} {resource_type}")
    return tuple(sets)


def _filters(scope: Scope, access: Access, resource_type: str, permission: str) -> Params | None:
    """Return the filters a scope puts on a type, or None when it grants nothing there."""
    known = TYPES[resource_type]
    if any(name not in known or not value for name, value in scope.filters):
        return None  # a limit that cannot be checked must not be taken for no limit
    patient = _compartment_of(scope, access)
    if patient is None or (resource_type in SHARED and permission in "rs"):
        return scope.filters
    if resource_type == "Patient" and patient:
        return (("_id", patient), *scope.filters)
    if "patient" in known and patient:
        return (("patient", f"Patient/{patient}"), *scope.filters)
    return None


def _compartment_of(scope: Scope, access: Access) -> str | None:
    """Return the id of the only patient a scope reaches, "" when it reaches none, None when it reaches all."""
    if scope.level == "patient":
        return access.patient or ""
    user_type, _, user_id = (access.user or "").partition("/")
    if scope.level == "user" and user_type == "RelatedPerson":
        return access.patient or ""  # a relative sees one patient, the one the launch is for
    return user_id if scope.level == "user" and user_type == "Patient" else None
