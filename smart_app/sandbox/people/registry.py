"""The clinic, its therapists, its patients and their visits as FHIR resources."""

from smart_app.sandbox.people.cast import Person, Relative, Therapist, people
from smart_app.sandbox.people.coding import CLINIC, Resource, reference
from smart_app.sandbox.people.visits import Visit

GROUP = "harbor-psychotherapy"
ORGANIZATION_NAME = "Harbor Psychotherapy (synthetic)"
_ORGANIZATION = reference("Organization", "harbor", ORGANIZATION_NAME)
_MRN_SYSTEM = "urn:oid:2.16.840.1.113883.19.5"  # HL7's example root
_V2_IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"


def organization() -> Resource:
    """Return the clinic."""
    return {"resourceType": "Organization", "id": "harbor", "active": True, "name": ORGANIZATION_NAME}


def practitioner(therapist: Therapist) -> Resource:
    """Return one therapist."""
    return {
        "resourceType": "Practitioner",
        "id": therapist.id,
        "identifier": [{"system": f"{CLINIC}/staff", "value": therapist.id}],
        "active": True,
        "name": [{"text": therapist.name, "family": therapist.family, "given": [therapist.given], "prefix": ["Dr."]}],
        "gender": therapist.gender,
    }


def practitioner_role(therapist: Therapist) -> Resource:
    """Return the therapist's role at the clinic."""
    psychologist = {
        "system": "http://nucc.org/provider-taxonomy",
        "code": "103TC0700X",
        "display": "Clinical Psychologist",
    }
    return {
        "resourceType": "PractitionerRole",
        "id": f"{therapist.id}-harbor",
        "active": True,
        "practitioner": reference("Practitioner", therapist.id, therapist.name),
        "organization": dict(_ORGANIZATION),
        "code": [{"coding": [psychologist], "text": "Psychotherapist"}],
    }


def patient(person: Person) -> Resource:
    """Return one patient; the therapist in charge is the one of the last visit."""
    therapist = person.therapist_at(person.visits)
    record_number = {
        "use": "usual",
        "type": {"coding": [{"system": _V2_IDENTIFIER_TYPE, "code": "MR", "display": "Medical record number"}]},
        "system": _MRN_SYSTEM,
        "value": person.mrn,
    }
    return {
        "resourceType": "Patient",
        "id": person.id,
        "identifier": [record_number],
        "active": True,
        "name": [{"use": "official", "text": person.name, "family": person.family, "given": person.given.split()}],
        "gender": person.gender,
        "birthDate": person.born.isoformat(),
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}], "text": "English"}}],
        "generalPractitioner": [reference("Practitioner", therapist.id, therapist.name)],
        "managingOrganization": dict(_ORGANIZATION),
    }


def related_person(relative: Relative) -> Resource:
    """Return somebody who may act for a patient."""
    relationship = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
        "code": relative.code,
        "display": relative.relationship,
    }
    return {
        "resourceType": "RelatedPerson",
        "id": relative.id,
        "active": True,
        "patient": reference("Patient", relative.patient),
        "relationship": [{"coding": [relationship], "text": relative.relationship}],
        "name": [{"text": relative.name, "family": relative.family, "given": [relative.given]}],
        "gender": relative.gender,
    }


def encounter(visit: Visit) -> Resource:
    """Return one visit; today's has begun and is not over."""
    ambulatory = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "code": "AMB",
        "display": "ambulatory",
    }
    psychotherapy = {"system": "http://snomed.info/sct", "code": "75516001", "display": "Psychotherapy"}
    primary = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "code": "PPRF",
        "display": "primary performer",
    }
    therapist = visit.therapist
    return {
        "resourceType": "Encounter",
        "id": visit.id,
        "status": "in-progress" if visit.today else "finished",
        "class": ambulatory,
        "type": [{"coding": [psychotherapy], "text": "Psychotherapy"}],
        "subject": reference("Patient", visit.person.id, visit.person.name),
        "participant": [
            {"type": [{"coding": [primary]}], "individual": reference("Practitioner", therapist.id, therapist.name)}
        ],
        "period": {"start": visit.start.isoformat()} | ({} if visit.today else {"end": visit.end.isoformat()}),
        "serviceProvider": dict(_ORGANIZATION),
    }


def programme() -> Resource:
    """Return the group of everybody who is, or was, in treatment here."""
    return {
        "resourceType": "Group",
        "id": GROUP,
        "type": "person",
        "actual": True,
        "name": ORGANIZATION_NAME,
        "managingEntity": dict(_ORGANIZATION),
        "member": [{"entity": reference("Patient", person.id, person.name)} for person in people()],
    }
