"""A test entry as everybody can tell it from a patient's: by its words, and by the label for test data."""

from collections.abc import Mapping
from typing import Any, Final

from fhir_alliance.records.codes import TEST_DATA, JsonObject
from fhir_alliance.records.flowsheet import LONGEST_NOTE

_DIV: Final = "http://www.w3.org/1999/xhtml"


def mark_of(key: str) -> str:
    """Return what a test entry says of itself; with its key, so that it is found where an EHR drops identifiers."""
    return f"TEST ENTRY, not a patient's answers: FHIR Alliance tries what may be written here. Key {key}."


def marked_bundle(bundle: JsonObject, key: str) -> JsonObject:
    """Return a write-back transaction whose every resource is marked; without Provenance, which nobody can retract."""
    kept = [each for each in bundle["entry"] if each["resource"]["resourceType"] != "Provenance"]
    return {**bundle, "entry": [{**each, "resource": marked(each["resource"], key)} for each in kept]}


def marked_pieces(pieces: Any, key: str) -> Any:
    """Return what a lesser rung writes, as `way_into` makes it, marked: flowsheet rows, or a note with its part."""
    if isinstance(pieces, list):
        return [marked(each, key) for each in pieces]
    part = {**pieces["part"], "limits": [mark_of(key), *pieces["part"]["limits"]]}
    return {**pieces, "note": marked(pieces["note"], key), "part": part}


def marked(resource: JsonObject, key: str) -> JsonObject:
    """Return a resource with the label for test data, and with the mark where its type has room for words."""
    security = [*resource["meta"]["security"], TEST_DATA]
    words = _WORDS[resource["resourceType"]](resource, key)
    return {**resource, "meta": {**resource["meta"], "security": security}, **words}


def is_marked(value: Any, key: str) -> bool:
    """Whether a resource that came back is the test entry of this key: some identifier or word of it says so."""
    if isinstance(value, Mapping):
        return any(is_marked(each, key) for each in value.values())
    if isinstance(value, list):
        return any(is_marked(each, key) for each in value)
    return isinstance(value, str) and key in value


def _response(_resource: JsonObject, key: str) -> JsonObject:
    return {"text": {"status": "generated", "div": f'<div xmlns="{_DIV}"><p>{mark_of(key)}</p></div>'}}


def _observation(resource: JsonObject, key: str) -> JsonObject:
    """Say it first: a flowsheet row has room for a single short comment."""
    if "component" in resource or "hasMember" in resource:
        return {"note": [{"text": mark_of(key)}, *resource.get("note", [])]}
    said = " ".join([mark_of(key), *(each["text"] for each in resource.get("note", []))])
    return {"note": [{"text": said[:LONGEST_NOTE]}]}


def _document(_resource: JsonObject, key: str) -> JsonObject:
    return {"description": mark_of(key)}


_WORDS: Final = {"QuestionnaireResponse": _response, "Observation": _observation, "DocumentReference": _document}
