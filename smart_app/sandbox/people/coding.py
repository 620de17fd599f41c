"""Codes, identifiers and labels the synthetic resources share, as plain JSON."""

from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Resource = dict[str, Any]  # raw FHIR JSON

CANONICAL = "https://fhir-alliance.org/fhir"
ALLIANCE = f"{CANONICAL}/CodeSystem/alliance"
ANSWERS = f"{CANONICAL}/CodeSystem/visit-check-in-answers"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
FHIR_EXTENSION = "http://hl7.org/fhir/StructureDefinition"
UCUM = "http://unitsofmeasure.org"
CLINIC = "https://harbor.example.invalid"

RESTRICTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "code": "R",
    "display": "restricted",
}
PATIENT_SUPPLIED = {
    "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-tags",
    "code": "patient-supplied",
    "display": "Patient Supplied",
}
_SURVEY = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "survey",
    "display": "Survey",
}
_THERAPEUTIC_ALLIANCE = {"system": ALLIANCE, "code": "therapeutic-alliance", "display": "Therapeutic alliance"}


def survey_category() -> list[Resource]:
    """Return the category of any questionnaire score."""
    return [{"coding": [dict(_SURVEY)]}]


def alliance_category() -> list[Resource]:
    """Return the categories of a visit check-in score."""
    return [*survey_category(), {"coding": [dict(_THERAPEUTIC_ALLIANCE)]}]


def own_code(code: str, display: str) -> Resource:
    """Return a CodeableConcept of the alliance code system."""
    return {"coding": [{"system": ALLIANCE, "code": code, "display": display}]}


def number(value: Decimal) -> int | float:
    """Return a decimal of a few digits as a JSON number that prints the same digits."""
    return int(value) if value == int(value) else float(value)


def reference(resource_type: str, resource_id: str, display: str | None = None) -> Resource:
    """Return a Reference to a resource of this record."""
    return {"reference": f"{resource_type}/{resource_id}"} | ({"display": display} if display else {})


def labels(*profiles: str, from_patient: bool) -> Resource:
    """Return the `meta` of what came from a form: its profiles, restricted, tagged when the patient supplied it."""
    supplied = {"tag": [dict(PATIENT_SUPPLIED)]} if from_patient else {}
    return {"profile": list(profiles), "security": [dict(RESTRICTED)]} | supplied


def submission_uuid(form_id: str) -> str:
    """Return the stable uuid of one completed form."""
    return str(uuid5(NAMESPACE_URL, f"{CLINIC}/submissions/{form_id}"))
