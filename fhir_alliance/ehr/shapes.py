"""Which kind of JSON value each element is that pages read: a resource with another one is not understood, not guessed.

The kinds are those of FHIR R4 (json, 2.6.2); elements that no page reads are not looked at, and any may be missing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar, Union

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert

from fhir_alliance.ehr.paging import SearchResult

T = TypeVar("T")
May = Union[T, UnsetType]  # noqa: UP007  # no other spelling takes a type's place in 3.11
"""What may be there; to say UNSET for what is not costs nothing."""


class _Element(Struct, gc=False, rename="camel"):
    """An object of FHIR with the elements that pages read; made by the thousand to be looked at, and gone again."""


class _Coding(_Element):
    system: May[str] = UNSET
    code: May[str] = UNSET
    display: May[str] = UNSET


class _Concept(_Element):
    coding: May[list[_Coding]] = UNSET
    text: May[str] = UNSET


class _Reference(_Element):
    reference: May[str] = UNSET
    display: May[str] = UNSET


class _Quantity(_Element):
    # NaN and infinity, which is what is read of 1e999, are no numbers of FHIR's.
    value: May[int | Annotated[float, Meta(gt=-1e308, lt=1e308)]] = UNSET


class _Identifier(_Element):
    system: May[str] = UNSET
    value: May[str] = UNSET
    type: May[_Concept] = UNSET


class _Name(_Element):
    use: May[str] = UNSET
    text: May[str] = UNSET
    family: May[str] = UNSET
    # null stands where a part of the name has only an extension (json, 2.6.2.3)
    given: May[list[str | None]] = UNSET


class _Patient(_Element):
    identifier: May[list[_Identifier]] = UNSET
    name: May[list[_Name]] = UNSET
    birth_date: May[str] = UNSET


class _Communication(_Concept):
    language: May[_Concept] = UNSET
    preferred: May[bool] = UNSET


class _Practitioner(_Element):
    communication: May[list[_Communication]] = UNSET


class _PractitionerRole(_Element):
    practitioner: May[_Reference] = UNSET


class _About(_Element):
    id: May[str] = UNSET
    status: May[str] = UNSET
    subject: May[_Reference] = UNSET
    encounter: May[_Reference] = UNSET


class _Period(_Element):
    start: May[str] = UNSET


class _Participant(_Element):
    individual: May[_Reference] = UNSET


class _Encounter(_About):
    period: May[_Period] = UNSET
    participant: May[list[_Participant]] = UNSET


class _Component(_Element):
    code: May[_Concept] = UNSET
    value_quantity: May[_Quantity] = UNSET


class _Observation(_About):
    code: May[_Concept] = UNSET
    effective_date_time: May[str] = UNSET
    value_quantity: May[_Quantity] = UNSET
    data_absent_reason: May[_Concept] = UNSET
    method: May[_Concept] = UNSET
    derived_from: May[list[_Reference]] = UNSET
    component: May[list[_Component]] = UNSET


class _Extension(_Element):
    url: May[str] = UNSET


class _Answer(_Element):
    value_coding: May[_Coding] = UNSET
    value_boolean: May[bool] = UNSET


class _Item(_Element):
    link_id: May[str] = UNSET
    extension: May[list[_Extension]] = UNSET
    answer: May[list[_Answer]] = UNSET
    item: May[list["_Item"]] = UNSET


class _QuestionnaireResponse(_About):
    questionnaire: May[str] = UNSET
    item: May[list[_Item]] = UNSET


_SHAPES: Final[Mapping[str, Any]] = {
    "Patient": _Patient,
    "Practitioner": _Practitioner,
    "PractitionerRole": _PractitionerRole,
    "Encounter": _Encounter,
    "Observation": _Observation,
    "QuestionnaireResponse": _QuestionnaireResponse,
}


def well_shaped(resource: Mapping[str, Any]) -> bool:
    """Whether every element of a resource that pages read is of its kind; one that is missing is."""
    try:
        convert(resource, _SHAPES[resource["resourceType"]])
    except ValidationError:
        return False
    return True


def only_well_shaped(found: SearchResult) -> SearchResult:
    """Return the matches that can be understood; without some the result is not complete."""
    kept = tuple(filter(well_shaped, found.resources))
    return found if len(kept) == len(found.resources) else replace(found, resources=kept, complete=False)
