"""The resource types this server keeps, and the search parameters of each (FHIR R4 names)."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One search parameter: its kind, the elements it looks at, and the types its references are for (none: any).

    A `typed` one finds references of those types alone, such as `patient` among subjects.
    """

    kind: str
    paths: tuple[tuple[str, ...], ...]
    targets: tuple[str, ...] = ()
    typed: bool = False

    @property
    def fhir_type(self) -> str:
        """Return the SearchParamType code, as a CapabilityStatement prints it."""
        return "reference" if self.kind == "canonical" else self.kind

    def points_to(self, resource_type: str) -> bool:
        """Return whether its references may be to this type."""
        return self.kind == "reference" and (not self.targets or resource_type in self.targets)


Parameters = dict[str, Parameter]


def _of(kind: str, *paths: str) -> Parameter:
    return Parameter(kind=kind, paths=tuple(tuple(path.split(".")) for path in paths))


def _tokens(**paths: str) -> Parameters:
    return {name.replace("_", "-"): _of("token", path) for name, path in paths.items()}


def _reference(name: str, path: str, targets: str = "") -> Parameters:
    return {name: replace(_of("reference", path), targets=tuple(targets.split()))}


def _of_patient(path: str) -> Parameters:
    return {"patient": replace(_of("reference", path), targets=("Patient",), typed=True)}


def _about(path: str = "subject") -> Parameters:
    return _reference("subject", path, "Patient Group Device Location") | _of_patient(path)


_COMMON: Parameters = {"_id": _of("token", "id"), "_lastUpdated": _of("date", "meta.lastUpdated")}
_IDENTIFIED = _tokens(identifier="identifier")
_STATED = _IDENTIFIED | _tokens(status="status")
_NAMED = _IDENTIFIED | {"name": _of("string", "name")}
_PERSON = _NAMED | {"family": _of("string", "name.family"), "given": _of("string", "name.given")}
_DEFINITION = _STATED | _tokens(version="version") | {"url": _of("uri", "url"), "name": _of("string", "name")}
_TITLED = _DEFINITION | {"title": _of("string", "title")}
_IN_VISIT = _reference("encounter", "encounter", "Encounter")
_STAFF = "Practitioner PractitionerRole"
_PARTY = f"{_STAFF} Patient RelatedPerson Organization"
_CODED = _tokens(category="category", code="code")

TYPES: dict[str, Parameters] = {
    name: _COMMON | parameters
    for name, parameters in {
        "Appointment": _STATED | _of_patient("participant.actor") | {"date": _of("date", "start")},
        "Binary": {},
        "CareTeam": _STATED
        | _about()
        | _IN_VISIT
        | _reference("participant", "participant.member", f"{_PARTY} CareTeam"),
        "CodeSystem": _TITLED,
        "Communication": _STATED | _about() | _IN_VISIT | {"sent": _of("date", "sent")},
        "CommunicationRequest": _STATED
        | _about()
        | _IN_VISIT
        | _reference("recipient", "recipient", f"{_PARTY} CareTeam Device Group HealthcareService")
        | {"authored": _of("date", "authoredOn")},
        "Condition": _IDENTIFIED | _CODED | _about() | _IN_VISIT | _tokens(clinical_status="clinicalStatus"),
        "Consent": _STATED | _of_patient("patient") | {"date": _of("date", "dateTime")},
        "Device": _STATED | _of_patient("patient"),
        "DocumentReference": _STATED
        | _about()
        | _tokens(category="category", type="type")
        | _reference("encounter", "context.encounter", "Encounter EpisodeOfCare")
        | {"date": _of("date", "date")},
        "Encounter": _STATED
        | _about()
        | {"class": _of("token", "class"), "type": _of("token", "type"), "date": _of("date", "period")}
        | _reference("appointment", "appointment", "Appointment")
        | _reference("participant", "participant.individual", f"{_STAFF} RelatedPerson"),
        "EpisodeOfCare": _STATED | _of_patient("patient") | {"date": _of("date", "period")},
        "Flag": _STATED | _about() | _IN_VISIT | {"date": _of("date", "period")},
        "Group": _IDENTIFIED | _reference("member", "member.entity", f"{_STAFF} Patient Device Group"),
        "Location": _NAMED | _tokens(status="status"),
        "MedicationRequest": _STATED | _about() | _IN_VISIT | {"authoredon": _of("date", "authoredOn")},
        "Observation": _STATED
        | _CODED
        | _about()
        | _IN_VISIT
        | {"date": _of("date", "effectiveDateTime", "effectivePeriod", "effectiveInstant")}
        | _reference("derived-from", "derivedFrom", "Observation QuestionnaireResponse DocumentReference")
        | _reference("has-member", "hasMember", "Observation QuestionnaireResponse")
        | _reference("performer", "performer", f"{_PARTY} CareTeam")
        | _reference("focus", "focus"),
        "Organization": _NAMED,
        "Patient": _PERSON | {"birthdate": _of("date", "birthDate")} | _tokens(gender="gender"),
        "Practitioner": _PERSON,
        "PractitionerRole": _IDENTIFIED
        | _reference("practitioner", "practitioner", "Practitioner")
        | _reference("organization", "organization", "Organization"),
        "Provenance": _of_patient("target") | _reference("target", "target") | {"recorded": _of("date", "recorded")},
        "Questionnaire": _TITLED | {"date": _of("date", "date")},
        "QuestionnaireResponse": _STATED
        | _about()
        | _IN_VISIT
        | _reference("author", "author", f"{_PARTY} Device")
        | _reference("source", "source", f"{_STAFF} Patient RelatedPerson")
        | {"questionnaire": _of("canonical", "questionnaire")}
        | {name: _of("date", "authored") for name in ("authored", "date")},
        "RelatedPerson": _PERSON | _of_patient("patient"),
        "ServiceRequest": _STATED | _CODED | _about() | _IN_VISIT | {"authored": _of("date", "authoredOn")},
        "Subscription": _COMMON | _tokens(status="status") | {"url": _of("uri", "channel.endpoint")},
        "Task": _STATED
        | _tokens(code="code")
        | _reference("subject", "for")
        | _of_patient("for")
        | _IN_VISIT
        | _reference("focus", "focus")
        | _reference("owner", "owner", f"{_PARTY} CareTeam Device")
        | {"authored-on": _of("date", "authoredOn")},
        "ValueSet": _TITLED,
    }.items()
}
