"""Canonical URLs and code systems: every identifier that leaves the product is spelled here once."""

from typing import Final

CANONICAL_BASE: Final = "https://fhir-alliance.org/fhir"

PUBLISHER: Final = "FHIR Alliance"

ALLIANCE: Final = f"{CANONICAL_BASE}/CodeSystem/alliance"
OBSERVATION_IDENTIFIER: Final = f"{CANONICAL_BASE}/identifier/observation"
LAUNCH_TASK_IDENTIFIER: Final = f"{CANONICAL_BASE}/identifier/launch-task"
NOTE_IDENTIFIER: Final = f"{CANONICAL_BASE}/identifier/note"
ASSIGNMENT_IDENTIFIER: Final = f"{CANONICAL_BASE}/identifier/assignment"
SOFTWARE_IDENTIFIER: Final = f"{CANONICAL_BASE}/identifier/software"
# What stands in place of a form where the clinician's view was filed as a page.
FILED_VIEW: Final = f"{CANONICAL_BASE}/filed-view"

ALLIANCE_PANEL: Final = f"{CANONICAL_BASE}/StructureDefinition/alliance-panel"
ALLIANCE_SCORE: Final = f"{CANONICAL_BASE}/StructureDefinition/alliance-score"
ALLIANCE_RESPONSE: Final = f"{CANONICAL_BASE}/StructureDefinition/alliance-response"

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
# What LOINC's licence asks to be said wherever its codes are passed on (loinc.org/license).
LOINC_NOTICE: Final = (
    "This material contains content from LOINC (http://loinc.org). LOINC is copyright © Regenstrief Institute, Inc. "
    "and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under the "
    "license at http://loinc.org/license. LOINC® is a registered United States trademark of Regenstrief Institute, Inc."
)

URN: Final = "urn:ietf:rfc:3986"
UCUM: Final = "http://unitsofmeasure.org"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
DATA_ABSENT_REASON: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
OBSERVATION_VALUE: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
DATA_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
PARTICIPANT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

JURISDICTIONS: Final = "http://unstats.un.org/unsd/methods/m49/m49.htm"

US_CORE: Final = "http://hl7.org/fhir/us/core"
US_CORE_TAGS: Final = f"{US_CORE}/CodeSystem/us-core-tags"
US_CORE_NOTES: Final = f"{US_CORE}/CodeSystem/us-core-documentreference-category"
US_CORE_SCREENING: Final = f"{US_CORE}/StructureDefinition/us-core-observation-screening-assessment"
US_CORE_RESPONSE: Final = f"{US_CORE}/StructureDefinition/us-core-questionnaireresponse"
US_CORE_PATIENT: Final = f"{US_CORE}/StructureDefinition/us-core-patient"
US_CORE_PRACTITIONER: Final = f"{US_CORE}/StructureDefinition/us-core-practitioner"

SMART: Final = "http://hl7.org/fhir/smart-app-launch"
SMART_CODES: Final = f"{SMART}/CodeSystem/smart-codes"

SDC: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition"
SDC_TASK_CODES: Final = "http://hl7.org/fhir/uv/sdc/CodeSystem/temp"
FHIR_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition"


def canonical(resource_type: str, name: str) -> str:
    """Return our canonical URL of a definition, without a version."""
    return f"{CANONICAL_BASE}/{resource_type}/{name}"
