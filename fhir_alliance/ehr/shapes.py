"""Which kind of JSON value each element is that pages read: a resource with another one is not understood, not guessed.

The kinds are those of FHIR R4 (json, 2.6.2); elements that no page reads are not looked at.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fhir_alliance.ehr.paging import SearchResult

_CODING: Final = {"system": str, "code": str, "display": str}
_CONCEPT: Final = {"coding": [_CODING], "text": str}
_REFERENCE: Final = {"reference": str, "display": str}
_QUANTITY: Final = {"value": int | float}
_ABOUT: Final = {"id": str, "status": str, "subject": _REFERENCE, "encounter": _REFERENCE}
_ITEM: Final[dict[str, Any]] = {
    "linkId": str,
    "extension": [{"url": str}],
    "answer": [{"valueCoding": _CODING, "valueBoolean": bool}],
}
_ITEM["item"] = [_ITEM]

_SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Patient": {
        "identifier": [{"system": str, "value": str, "type": _CONCEPT}],
        # null stands where a part of the name has only an extension (json, 2.6.2.3)
        "name": [{"use": str, "text": str, "family": str, "given": [str | None]}],
        "birthDate": str,
    },
    "Practitioner": {"communication": [{**_CONCEPT, "language": _CONCEPT, "preferred": bool}]},
    "PractitionerRole": {"practitioner": _REFERENCE},
    "Encounter": {**_ABOUT, "period": {"start": str}, "participant": [{"individual": _REFERENCE}]},
    "Observation": {
        **_ABOUT,
        "code": _CONCEPT,
        "effectiveDateTime": str,
        "valueQuantity": _QUANTITY,
        "dataAbsentReason": _CONCEPT,
        "derivedFrom": [_REFERENCE],
        "component": [{"code": _CONCEPT, "valueQuantity": _QUANTITY}],
    },
    "QuestionnaireResponse": {**_ABOUT, "questionnaire": str, "item": [_ITEM]},
}


def well_shaped(resource: Mapping[str, Any]) -> bool:
    """Whether every element of a resource that pages read is of its kind; one that is missing is."""
    return _fits(resource, _SHAPES[resource["resourceType"]])


def only_well_shaped(found: SearchResult) -> SearchResult:
    """Return the matches that can be understood; without some the result is not complete."""
    kept = tuple(filter(well_shaped, found.resources))
    return found if len(kept) == len(found.resources) else replace(found, resources=kept, complete=False)


def _fits(value: Any, shape: Any) -> bool:
    # The kinds by name first: most values are texts and objects, and a page looks at thousands of them.
    if shape is str:
        return isinstance(value, str)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return False
        return all(_fits(value[name], shape[name]) for name in shape.keys() & value.keys())
    if isinstance(shape, list):
        if not isinstance(value, list):
            return False
        (inside,) = shape
        return all(_fits(part, inside) for part in value)
    return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
