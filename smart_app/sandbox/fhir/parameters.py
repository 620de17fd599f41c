"""The resource types this server keeps, and the search parameters of each (FHIR R4 names)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One search parameter: its kind, the elements it looks at, and the only type a reference may have."""

    kind: str
    paths: tuple[tuple[str, ...], ...]
    target: str | None = None

    @property
    def fhir_type(self) -> str:
        """Return the SearchParamType code, as a CapabilityStatement prints it."""
        return "reference" if self.kind == "canonical" else self.kind


Parameters = dict[str, Parameter]


def _of(kind: str, *paths: str, target: str | None = None) -> Parameter:
    return Parameter(kind=kind, paths=tuple(tuple(path.split(".")) for path in paths), target=target)


def _tokens(**paths: str) -> Parameters:
    return {name.replace("_", "-"): _of("token", path) for name, path in paths.items()}


def _references(**paths: str) -> Parameters:
    return {name.replace("_", "-"): _of("reference", path) for name, path in paths.items()}


def _about(path: str = "subject") -> Parameters:
    return {"subject": _of("reference", path), "patient": _of("reference", path, target="Patient")}


def _of_patient(path: str) -> Parameters:
    return {"patient": _of("reference", path, target="Patient")}


_COMMON: Parameters = {"_id": _of("token", "id"), "_lastUpdated": _of("date", "meta.lastUpdated")}
_IDENTIFIED = _tokens(identifier="identifier")
_STATED = _IDENTIFIED | _tokens(status="status")
_NAMED = _IDENTIFIED | {"name": _of("string", "name")}
_PERSON = _NAMED | {"family": _of("string", "name.family"), "given": _of("string", "name.given")}
_DEFINITION = _STATED | _tokens(version="version") | {"url": _of("uri", "url"), "name": _of("string", "name")}
_TITLED = _DEFINITION | {"title": _of("string", "title")}
_IN_VISIT = _references(encounter="encounter")
_CODED = _tokens(category="category", code="code")

TYPES: dict[str, Parameters] = {
    name: _COMMON | parameters
    for name, parameters in {
        "Appointment": _STATED | _of_patient("participant.actor") | {"date": _of("date", "start")},
        "Binary": {},
        "CareTeam": _STATED | _about() | _IN_VISIT | _references(participant="participant.member"),
        "CodeSystem": _TITLED,
        "Communication": _STATED | _about() | _IN_VISIT | {"sent": _of("date", "sent")},
        "Condition": _IDENTIFIED | _CODED | _about() | _IN_VISIT | _tokens(clinical_status="clinicalStatus"),
        "Consent": _STATED | _of_patient("patient") | {"date": _of("date", "dateTime")},
        "Device": _STATED | _of_patient("patient"),
        "DocumentReference": _STATED
        | _about()
        | _tokens(category="category", type="type")
        | {"encounter": _of("reference", "context.encounter"), "date": _of("date", "date")},
        "Encounter": _STATED
        | _about()
        | {"class": _of("token", "class"), "type": _of("token", "type"), "date": _of("date", "period")}
        | _references(participant="participant.individual"),
        "EpisodeOfCare": _STATED | _of_patient("patient") | {"date": _of("date", "period")},
        "Flag": _STATED | _about() | _IN_VISIT | {"date": _of("date", "period")},
        "Group": _IDENTIFIED | _references(member="member.entity"),
        "Location": _NAMED | _tokens(status="status"),
        "MedicationRequest": _STATED | _about() | _IN_VISIT | {"authoredon": _of("date", "authoredOn")},
        "Observation": _STATED
        | _CODED
        | _about()
        | _IN_VISIT
        | {"date": _of("date", "effectiveDateTime", "effectivePeriod", "effectiveInstant")}
        | _references(derived_from="derivedFrom", has_member="hasMember", performer="performer", focus="focus"),
        "Organization": _NAMED,
        "Patient": _PERSON | {"birthdate": _of("date", "birthDate")} | _tokens(gender="gender"),
        "Practitioner": _PERSON,
        "PractitionerRole": _IDENTIFIED | _references(practitioner="practitioner", organization="organization"),
        "Provenance": _of_patient("target") | _references(target="target") | {"recorded": _of("date", "recorded")},
        "Questionnaire": _TITLED | {"date": _of("date", "date")},
        "QuestionnaireResponse": _STATED
        | _about()
        | _IN_VISIT
        | _references(author="author", source="source")
        | {"questionnaire": _of("canonical", "questionnaire")}
        | {name: _of("date", "authored") for name in ("authored", "date")},
        "RelatedPerson": _PERSON | _of_patient("patient"),
        "ServiceRequest": _STATED | _CODED | _about() | _IN_VISIT | {"authored": _of("date", "authoredOn")},
        "Task": _STATED
        | _tokens(code="code")
        | {"subject": _of("reference", "for"), "patient": _of("reference", "for", target="Patient")}
        | _references(encounter="encounter", focus="focus", owner="owner")
        | {"authored-on": _of("date", "authoredOn")},
        "ValueSet": _TITLED,
    }.items()
}
