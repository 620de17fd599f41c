"""A form, its response and an observation as small as they can be valid, and a way to check resources in memory."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from fhir_alliance.conformance.validator.definitions import Definitions
from fhir_alliance.conformance.validator.findings import Finding, Severity
from fhir_alliance.conformance.validator.inputs import Document
from fhir_alliance.conformance.validator.links import Known
from fhir_alliance.conformance.validator.reading import DEFAULT_FOLDER, read_definitions
from fhir_alliance.conformance.validator.shipped import shipped_definitions
from fhir_alliance.conformance.validator.validator import Validator
from fhir_alliance.terms import FHIR_EXTENSION, SDC, US_CORE_RESPONSE, US_CORE_SCREENING

JsonObject = dict[str, Any]
Path_ = tuple[str | int, ...]

DEFINITIONS_FOLDER = Path(__file__).parents[2] / DEFAULT_FOLDER
ANSWERS = "https://example.org/fhir/CodeSystem/answers"


@cache
def definitions() -> Definitions:
    """Return the definitions of FHIR R4 that `make definitions` has fetched."""
    return read_definitions(DEFINITIONS_FOLDER)


def findings(*resources: JsonObject) -> list[Finding]:
    """Return what is found in the first resource when the others are there as well."""
    known = Known(resources)
    validator = Validator(definitions().extended([*shipped_definitions(), *known.definitions()]), known)
    document = Document(name="it", line=None, resource=resources[0], fault=None)
    return list(validator.check_file("it", [document]).findings)


def errors(*resources: JsonObject) -> list[tuple[str, str]]:
    """Return rule and path of the errors found in the first resource."""
    return [(each.rule, each.path) for each in findings(*resources) if each.severity is Severity.ERROR]


def changed(resource: JsonObject, path: Sequence[str | int], value: object) -> JsonObject:
    """Return a copy with one element set; with None it is taken out, with "+" as last step appended to a list."""
    copy = deepcopy(resource)
    *steps, last = path
    holder: Any = copy
    for step in steps:
        holder = holder[step]
    if last == "+":
        holder.append(value)
    elif value is None:
        del holder[last]
    else:
        holder[last] = value
    return copy


def option(code: str) -> JsonObject:
    """Return an answer option."""
    return {"valueCoding": {"system": ANSWERS, "code": code, "display": code.title()}}


FORM: JsonObject = {
    "resourceType": "Questionnaire",
    "id": "form-1",
    "meta": {"profile": [f"{SDC}/sdc-questionnaire", f"{SDC}/sdc-questionnaire-behave"]},
    "extension": [
        {
            "url": f"{FHIR_EXTENSION}/artifact-versionAlgorithm",
            "valueCoding": {"system": "http://hl7.org/fhir/version-algorithm", "code": "semver"},
        }
    ],
    "url": "https://example.org/fhir/Questionnaire/form",
    "version": "1.0.0",
    "name": "Form",
    "title": "A form",
    "status": "active",
    "date": "2026-11-24",
    "item": [
        {
            "linkId": "group",
            "text": "Today",
            "type": "group",
            "item": [
                {
                    "linkId": "choice",
                    "text": "Was it helpful?",
                    "_text": {
                        "extension": [
                            {
                                "url": f"{FHIR_EXTENSION}/translation",
                                "extension": [
                                    {"url": "lang", "valueCode": "de"},
                                    {"url": "content", "valueString": "War es hilfreich?"},
                                ],
                            }
                        ]
                    },
                    "type": "choice",
                    "required": True,
                    "answerOption": [option("yes"), option("no")],
                },
                {
                    "linkId": "why",
                    "text": "Why not?",
                    "type": "string",
                    "maxLength": 20,
                    "enableWhen": [
                        {"question": "choice", "operator": "=", "answerCoding": {"system": ANSWERS, "code": "no"}}
                    ],
                },
                {
                    "extension": [
                        {"url": f"{FHIR_EXTENSION}/minValue", "valueInteger": 0},
                        {"url": f"{FHIR_EXTENSION}/maxValue", "valueInteger": 10},
                    ],
                    "linkId": "number",
                    "text": "How much?",
                    "type": "integer",
                },
            ],
        }
    ],
}

RESPONSE: JsonObject = {
    "resourceType": "QuestionnaireResponse",
    "id": "response-1",
    "meta": {"profile": [US_CORE_RESPONSE, f"{SDC}/sdc-questionnaireresponse"]},
    "questionnaire": "https://example.org/fhir/Questionnaire/form|1.0.0",
    "status": "completed",
    "subject": {"reference": "Patient/p"},
    "authored": "2026-11-24T10:00:00Z",
    "item": [
        {
            "linkId": "group",
            "text": "Today",
            "item": [
                {
                    "linkId": "choice",
                    "text": "War es hilfreich?",
                    "answer": [{"valueCoding": {"system": ANSWERS, "code": "yes"}}],
                },
                {"linkId": "number", "text": "How much?", "answer": [{"valueInteger": 7}]},
            ],
        }
    ],
}

OBSERVATION: JsonObject = {
    "resourceType": "Observation",
    "id": "observation-1",
    "meta": {"profile": [US_CORE_SCREENING]},
    "status": "final",
    "category": [
        {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"},
            ]
        }
    ],
    "code": {"coding": [{"system": "https://example.org/codes", "code": "score"}]},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-11-24",
    "valueQuantity": {"value": 7.5, "unit": "score", "system": "http://unitsofmeasure.org", "code": "{score}"},
    "component": [
        {
            "code": {"coding": [{"system": "https://example.org/codes", "code": "items"}]},
            "valueQuantity": {"value": 6, "unit": "items", "system": "http://unitsofmeasure.org", "code": "{items}"},
        }
    ],
}

PROVENANCE: JsonObject = {
    "resourceType": "Provenance",
    "target": [{"reference": "Observation/observation-1"}],
    "recorded": "2026-11-24T10:00:00Z",
    "agent": [{"who": {"identifier": {"system": "https://example.org/software", "value": "us"}}}],
    "entity": [{"role": "source", "what": {"reference": "QuestionnaireResponse/response-1"}}],
}

BUNDLE: JsonObject = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "urn:uuid:7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10",
            "resource": OBSERVATION,
            "request": {"method": "POST", "url": "Observation"},
        },
        {
            "fullUrl": "urn:uuid:7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a11",
            "resource": PROVENANCE,
            "request": {"method": "POST", "url": "Provenance"},
        },
    ],
}
