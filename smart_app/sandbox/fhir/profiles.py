"""What an EHR lets an app write: one profile of the sandbox for each kind that is seen in the field."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from smart_app.sandbox.fhir.limits import (
    Check,
    check_document,
    check_flowsheet_row,
    check_in_visit,
    check_lab_or_vital,
    check_modifiers,
    without,
)
from smart_app.sandbox.fhir.outcomes import FhirProblem, MethodNotAllowed
from smart_app.sandbox.fhir.terms import Resource

_FORMS = ("CodeSystem", "Questionnaire", "ValueSet")
_ANSWERS = ("QuestionnaireResponse", "Provenance")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One kind of EHR.

    `writes` are the only types an app may write (None: all but those in `refuses`); `claims` are types the
    CapabilityStatement says may be created although they may not; `checks` and `drops` (elements forgotten without a
    word) hold by type. `conditional` is whether If-None-Exist is understood, `bundles` whether batches and transactions
    are, `body` whether a create is answered with the resource, `if_match` whether an update needs the version it
    replaces, `updates` whether an app may change what is there, `reviews` whether writes wait for a person (202). A
    `legacy` EHR advertises neither v2 scopes nor S256. `careless_exports` ignore filters and repeat resources.
    """

    writes: tuple[str, ...] | None = None
    refuses: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    checks: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)
    drops: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conditional: bool = True
    bundles: bool = True
    body: bool = True
    if_match: bool = False
    updates: bool = True
    reviews: bool = False
    legacy: bool = False
    careless_exports: bool = False

    def may_write(self, resource_type: str) -> bool:
        """Return whether an app may create resources of this type."""
        return resource_type not in self.refuses and (self.writes is None or resource_type in self.writes)

    def says_create(self, resource_type: str) -> bool:
        """Return whether the CapabilityStatement says that this type may be created."""
        return self.may_write(resource_type) or resource_type in self.claims

    def may_update(self, resource_type: str) -> bool:
        """Return whether an app may change resources of this type."""
        return self.updates and self.may_write(resource_type)

    def check_offered(self, resource_type: str, *, update: bool) -> None:
        """Raise MethodNotAllowed when an app may not write this type here, or not change it (`update`)."""
        if not (self.may_update if update else self.may_write)(resource_type):
            raise MethodNotAllowed(f"apps may not write a {resource_type} here", headers={"Allow": "GET"})

    def accepted(self, resource: Resource, others: Callable[..., Iterable[Resource]]) -> Resource:
        """Return a resource as it will be kept; `others` finds resources of its type by search parameters.

        Raises the FhirProblem of the first limit that it breaks.
        """
        resource_type = resource["resourceType"]
        for check in self.checks.get(resource_type, ()):
            check(resource, others)
        return without(resource, self.drops.get(resource_type, ()))

    def holds(self, resource: Resource) -> bool:
        """Return whether a resource could have come about here, as part of the record before any app."""
        if not self.may_write(resource["resourceType"]) and resource["resourceType"] in ("Observation", *_ANSWERS):
            return False
        try:
            self.accepted(resource, lambda *_: ())
        except FhirProblem:
            return False
        return True


PROFILES: Mapping[str, Profile] = {
    "generous": Profile(),
    "read-only-questionnaires": Profile(refuses=_FORMS),
    # Modelled on Epic's Observation.Create (Vital Signs), which says more than it does; there is no update.
    "flowsheet": Profile(
        writes=("Observation",),
        claims=("QuestionnaireResponse",),
        checks={"Observation": (check_flowsheet_row,)},
        drops={"Observation": ("identifier", "method", "component", "derivedFrom", "hasMember")},
        conditional=False,
        bundles=False,
        updates=False,
    ),
    # Modelled on Oracle Health: unknown elements are dropped, modifiers refused, 201 comes without a body.
    "lab-and-vitals-only": Profile(
        writes=("Observation", "DocumentReference"),
        checks={
            "Observation": (check_modifiers, check_lab_or_vital),
            "DocumentReference": (check_modifiers, check_document),
        },
        drops={
            "Observation": ("identifier", "method", "component", "derivedFrom", "hasMember", "issued"),
            "DocumentReference": ("identifier", "securityLabel"),
        },
        body=False,
        if_match=True,
        conditional=False,
        bundles=False,
    ),
    "notes-only": Profile(
        writes=("DocumentReference",),
        checks={"DocumentReference": (check_document, check_in_visit)},
        conditional=False,
        bundles=False,
    ),
    "fire-hose": Profile(
        drops={
            "Observation": ("method", "note", "component"),
            "QuestionnaireResponse": ("language",),
            "DocumentReference": ("securityLabel",),
        },
        body=False,
        reviews=True,
        careless_exports=True,
    ),
    "legacy": Profile(legacy=True),
}
"""The kinds of EHR by the name that the settings choose them by."""
