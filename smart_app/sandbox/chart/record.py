"""The record as the chart pages read it: searches over the FHIR store, no other source."""

from dataclasses import dataclass
from datetime import date, datetime

from smart_app.sandbox.chart.labels import Resource, code_words, concept_words, identifier_value, name_words
from smart_app.sandbox.chart.moments import Moment, day_words, read_moment, years_between
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.outcomes import FhirProblem
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.people.visits import CLINIC_TIME

_DISPLAY = "http://hl7.org/fhir/StructureDefinition/display"
_PAGE = ("_count", "500")


@dataclass(frozen=True, kw_only=True)
class VisitLine:
    """One Encounter in words."""

    id: str
    patient: str
    start: Moment
    end: Moment
    kind: str
    therapist: str
    status: str
    today: bool


@dataclass(frozen=True, kw_only=True)
class PatientCard:
    """One patient in words; `today` is the visit that has begun today, `last` the one before it."""

    id: str
    name: str
    first_name: str
    born: str
    age: str
    gender: str
    record_number: str
    language: str
    therapist: str
    clinic: str
    today: VisitLine | None
    last: VisitLine | None


class Record:
    """Reads over the FHIR store for people's eyes."""

    def __init__(self, store: ResourceStore, config: SandboxConfig) -> None:
        self._store = store
        self._config = config

    @property
    def today(self) -> date:
        """The day it is at the clinic."""
        return self._config.today or datetime.now(CLINIC_TIME).date()

    def patients(self) -> list[PatientCard]:
        """Return all patients by family name."""
        visits: dict[str, list[VisitLine]] = {}
        for visit in self._visits([]):
            visits.setdefault(visit.patient, []).append(visit)
        found = sorted(self._all("Patient", []), key=_family_name)
        return [self._card(patient, visits.get(f"Patient/{patient['id']}", [])) for patient in found]

    def patient(self, patient_id: str) -> PatientCard:
        """Return one patient; raises NotFound."""
        return self._card(self._store.read("Patient", patient_id), self.visits(patient_id))

    def visits(self, patient_id: str) -> list[VisitLine]:
        """Return a patient's visits, newest first."""
        return self._visits([("patient", patient_id)])

    def observations(self, patient_id: str) -> list[Resource]:
        """Return a patient's Observations."""
        return self._all("Observation", [("patient", patient_id)])

    def answered_by_patient(self, patient_id: str) -> list[Resource]:
        """Return the Observations of forms the patient filled in: what lists them as performer, and its members."""
        found, me = self.observations(patient_id), f"Patient/{patient_id}"
        own = [one for one in found if me in (by.get("reference") for by in one.get("performer", ()))]
        members = {member.get("reference") for one in own for member in one.get("hasMember", ())}
        return own + [one for one in found if f"Observation/{one['id']}" in members]

    def response(self, patient_id: str, response_id: str) -> Resource | None:
        """Return a QuestionnaireResponse of this patient; None when it is somebody else's. Raises NotFound."""
        response = self._store.read("QuestionnaireResponse", response_id)
        return response if response.get("subject", {}).get("reference") == f"Patient/{patient_id}" else None

    def documents(self, patient_id: str) -> list[Resource]:
        """Return a patient's DocumentReferences."""
        return self._all("DocumentReference", [("patient", patient_id)])

    def practitioners(self) -> list[tuple[str, str, str]]:
        """Return (reference, name, role) of everybody who works here, by family name."""
        roles = {
            role.get("practitioner", {}).get("reference"): concept_words(next(iter(role.get("code", ())), None))
            for role in self._all("PractitionerRole", [])
        }
        found = sorted(self._all("Practitioner", []), key=_family_name)
        references = [(f"Practitioner/{person['id']}", person) for person in found]
        return [(reference, name_words(person), roles.get(reference, "")) for reference, person in references]

    def relatives(self) -> list[tuple[str, str, str]]:
        """Return (reference, name, "daughter of ...") of everybody who may act for a patient."""
        return [
            (f"RelatedPerson/{one['id']}", name_words(one), self._related(one))
            for one in self._all("RelatedPerson", [])
        ]

    def patient_of(self, user: str) -> str | None:
        """Return the id of the only patient that "Type/id" may act for: oneself, or the relative; None for staff."""
        kind, _, user_id = user.partition("/")
        if kind == "RelatedPerson":
            return str(self._store.read(kind, user_id)["patient"]["reference"]).removeprefix("Patient/")
        return user_id if kind == "Patient" else None

    def _related(self, person: Resource) -> str:
        relationship = concept_words(next(iter(person.get("relationship", ())), None))
        return f"{relationship} of {self.name_of(person['patient'])}"

    def exists(self, reference: str) -> bool:
        """Return whether "Type/id" is in the record."""
        return self._read(reference) is not None

    def name_of(self, reference: Resource) -> str:
        """Return the words for a Reference: its display, else the name or form it leads to."""
        if reference.get("display"):
            return str(reference["display"])
        target = self._read(reference.get("reference", ""))
        if target is None:
            return str(reference.get("reference") or "unknown")
        return form_title(target) if target["resourceType"] == "QuestionnaireResponse" else name_words(target)

    def _read(self, reference: str) -> Resource | None:
        """Return the resource "Type/id", None when it is not in the record."""
        resource_type, _, resource_id = reference.partition("/")
        try:
            return self._store.read(resource_type, resource_id)
        except FhirProblem:
            return None

    def _all(self, resource_type: str, params: list[tuple[str, str]]) -> list[Resource]:
        """Return every match of a search, page after page."""
        page = self._store.search(resource_type, [*params, _PAGE])
        found = list(page.resources)
        while page.next is not None:
            page = self._store.search(resource_type, page.next)
            found += page.resources
        return found

    def _visits(self, params: list[tuple[str, str]]) -> list[VisitLine]:
        """Return Encounters in words, newest first."""
        lines = [self._visit(encounter) for encounter in self._all("Encounter", params)]
        return sorted(lines, key=lambda line: line.start.order, reverse=True)

    def _visit(self, encounter: Resource) -> VisitLine:
        """Put one Encounter into words."""
        period = encounter.get("period", {})
        start = read_moment(period.get("start"))
        people = [one["individual"] for one in encounter.get("participant", ()) if "individual" in one]
        return VisitLine(
            id=encounter["id"],
            patient=encounter.get("subject", {}).get("reference", ""),
            start=start,
            end=read_moment(period.get("end")),
            kind=", ".join(concept_words(kind) for kind in encounter.get("type", ())),
            therapist=", ".join(self.name_of(person) for person in people),
            status=code_words(encounter.get("status", "unknown")),
            today=encounter.get("status") == "in-progress" and start.is_on(self.today),
        )

    def _card(self, patient: Resource, visits: list[VisitLine]) -> PatientCard:
        """Put one patient into words."""
        born = read_moment(patient.get("birthDate"))
        languages = (concept_words(spoken.get("language")) for spoken in patient.get("communication", ()))
        return PatientCard(
            id=patient["id"],
            name=name_words(patient),
            first_name=next(iter((patient.get("name") or [{}])[0].get("given", ())), name_words(patient)),
            born=day_words(born.at.date()).split(" ", 1)[1] if born.at else born.text,
            age=str(years_between(born.at.date(), self.today)) if born.at else "",
            gender=patient.get("gender", ""),
            record_number=identifier_value(patient, "MR"),
            language=", ".join(languages),
            therapist=", ".join(self.name_of(one) for one in patient.get("generalPractitioner", ())),
            clinic=self.name_of(patient["managingOrganization"]) if "managingOrganization" in patient else "",
            today=next((visit for visit in visits if visit.today), None),
            last=next((visit for visit in visits if not visit.today), None),
        )


def form_title(response: Resource) -> str:
    """Return what a QuestionnaireResponse answers: the form's title as recorded, else the end of its canonical."""
    for extension in response.get("_questionnaire", {}).get("extension", ()):
        if extension.get("url") == _DISPLAY and extension.get("valueString"):
            return str(extension["valueString"])
    canonical, _, version = response.get("questionnaire", "").partition("|")
    return f"{canonical.rpartition('/')[2]} {version}".strip() or "Questionnaire"


def _family_name(person: Resource) -> str:
    """Return what people are sorted by."""
    return str((person.get("name") or [{}])[0].get("family", "")).casefold()
