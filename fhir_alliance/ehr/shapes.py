"""Which kind of JSON value each element is that pages read: a resource with another one is not understood, not guessed.

The kinds are those of FHIR R4 (json, 2.6.2); elements that no page reads are not looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, get_args

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
    return _CHECKS[resource["resourceType"]](resource)


def only_well_shaped(found: SearchResult) -> SearchResult:
    """Return the matches that can be understood; without some the result is not complete."""
    kept = tuple(filter(well_shaped, found.resources))
    return found if len(kept) == len(found.resources) else replace(found, resources=kept, complete=False)


_Check = Callable[[Any], bool]


class _Missing:
    """What stands for an element that a resource does not have, which is right whatever it should be."""


_MISSING: Final = _Missing()


def _check_of(shape: Any, made: dict[int, _Check]) -> _Check:
    """Return what tells whether a value is of a shape; `made` are those of objects, which may stand in themselves.

    Made once: a page looks at thousands of values. They are plain loops, for `all` takes twice as long.
    """
    if isinstance(shape, dict):
        return made[id(shape)] if id(shape) in made else _object(shape, made)
    if isinstance(shape, list):
        return _list(_check_of(shape[0], made))
    kinds = _kinds(shape)
    return lambda value: type(value) in kinds


def _object(shape: Mapping[str, Any], made: dict[int, _Check]) -> _Check:
    plain = [(name, _kinds(part) | {_Missing}) for name, part in shape.items() if not isinstance(part, dict | list)]
    parts: list[tuple[str, _Check]] = []

    def fits(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, kinds in plain:
            if type(value.get(name, _MISSING)) not in kinds:
                return False
        for name, part in parts:  # noqa: SIM110
            if name in value and not part(value[name]):
                return False
        return True

    made[id(shape)] = fits
    parts += ((name, _check_of(part, made)) for name, part in shape.items() if isinstance(part, dict | list))
    return fits


def _list(part: _Check) -> _Check:
    def fits(value: Any) -> bool:
        if type(value) is not list:
            return False
        for each in value:  # noqa: SIM110
            if not part(each):
                return False
        return True

    return fits


def _kinds(shape: Any) -> frozenset[type]:
    """Return the types that plain values are parsed as: exactly these, for to Python a boolean is a number."""
    return frozenset(get_args(shape) or (shape,))


_CHECKS: Final[Mapping[str, _Check]] = {kind: _check_of(shape, {}) for kind, shape in _SHAPES.items()}
