"""What the EHR's chart says: is it still this patient, is our response there, did everything read back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from fhir_alliance.delivery.expected import (
    Expected,
    ExpectedObservation,
    Identifier,
    absent_reason_of,
    labels_of,
    value_of,
)
from fhir_alliance.delivery.outcomes import Stop, hold_reason
from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import EhrUnreachable, FhirError, SignInNeeded
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.terms import OBSERVATION_CATEGORY

_GONE: Final = frozenset({404, 410})
# Servers read a date without a time in their own time zone: one day earlier is early enough everywhere.
_MARGIN: Final = timedelta(days=1)

Resource = Mapping[str, Any]


class Chart:
    """One patient's chart at one EHR, read to protect a write and to confirm it."""

    def __init__(self, client: FhirClient, *, fhir_base: str, expected: Expected) -> None:
        self._client = client
        self._base = fhir_base
        self._expected = expected

    def check_patient(self, shown: PatientShown) -> None:
        """Stop unless the patient is still as shown: not gone, merged, inactive or changed."""
        patient = self._present("Patient", shown.id, gone="patient-gone")
        with foreign():
            same = _same_patient(patient, shown)
        if not same:
            raise Stop(State.HELD, "patient-changed")

    def check_encounter(self) -> None:
        """Stop unless the encounter, when there is one, is this patient's."""
        if self._expected.encounter is None:
            return
        encounter = self._present("Encounter", self._expected.encounter.rpartition("/")[2], gone="encounter-gone")
        if self._subject(encounter) != self._expected.subject:
            raise Stop(State.HELD, "encounter-mismatch")

    def find_response(self) -> str | None:
        """Return the id of our response if it is there, by identifier and by patient, compared on our side.

        A server may ignore `identifier` or refuse it. Stops when nothing could be proven, or when there are several.
        """
        proven = False
        for params in ([("identifier", "|".join(self._expected.identifier))], [("patient", self._patient_id)]):
            try:
                found = self._client.search("QuestionnaireResponse", params)
            except FhirError as error:
                if isinstance(error, SignInNeeded) or hold_reason(error) is None:
                    raise
                continue
            with foreign():
                ours = {each["id"] for each in found.resources if self._is_ours(each)}
            if ours:
                return _only(ours)
            proven = proven or found.complete
        if not proven:
            raise Stop(State.HELD, "outcome-unknown")
        return None

    def read_back(self, response_id: str) -> str | None:
        """Compare the response and every Observation with what was sent; None when all is well, else an alarm's code.

        Stops as UNKNOWN while something is missing, as HELD when the EHR changed the patient or the content.
        """
        try:
            response = self._client.read("QuestionnaireResponse", response_id)
            found = self.observations()
        except FhirError as error:
            raise unread(error) from None
        with foreign():
            return self._compare(response, found)

    def found(self) -> list[Resource]:
        """Return what the chart has of the response and its Observations, by identifier, whatever it says there.

        Raises Stop and EhrError as above.
        """
        response_id = self.find_response()
        response = [self._client.read("QuestionnaireResponse", response_id)] if response_id else []
        observations = self.observations()
        ours = [each for one in self._expected.observations for each in observations.get(one.identifier, [])]
        return [*response, *ours]

    def observations(self) -> dict[Identifier, list[Resource]]:
        """Return the patient's scores since the form was answered, by each identifier they have."""
        since = (self._expected.since - _MARGIN).date()
        # US Core: the combination patient, category, date is one every server SHALL support.
        params = [
            ("patient", self._patient_id),
            ("category", f"{OBSERVATION_CATEGORY}|survey"),
            ("date", f"ge{since.isoformat()}"),
        ]
        found: dict[Identifier, list[Resource]] = {}
        with foreign():
            for observation in self._client.search("Observation", params).resources:
                for each in observation.get("identifier", ()):
                    found.setdefault((each.get("system", ""), each.get("value", "")), []).append(observation)
        return found

    @property
    def _patient_id(self) -> str:
        return self._expected.subject.rpartition("/")[2]

    def _present(self, resource_type: str, resource_id: str, *, gone: str) -> Resource:
        try:
            return self._client.read(resource_type, resource_id)
        except FhirError as error:
            if error.status in _GONE:
                raise Stop(State.HELD, gone) from None
            raise

    def _subject(self, resource: Resource) -> str:
        with foreign():
            reference = str(resource["subject"]["reference"])
        return reference.removeprefix(f"{self._base}/").partition("/_history/")[0]

    def _is_ours(self, response: Resource) -> bool:
        if (identifier := _identifier(response)) is not None:
            return identifier == self._expected.identifier
        # The identifier may have been dropped: the same form at the same second is ours, or must be looked at.
        same_form = response.get("questionnaire") == self._expected.questionnaire
        return same_form and datetime.fromisoformat(response["authored"]) == self._expected.authored

    def _compare(self, response: Resource, found: Mapping[Identifier, list[Resource]]) -> str | None:
        expected = self._expected
        pairs = [(each, found.get(each.identifier, [])) for each in expected.observations]
        ours = [response, *(observation for _, several in pairs for observation in several)]
        if any(self._subject(each) != expected.subject for each in ours):
            raise Stop(State.HELD, "subject-rewritten")
        if _identifier(response) != expected.identifier:
            raise Stop(State.HELD, "identifier-changed")
        if any(len(several) > 1 for _, several in pairs):
            raise Stop(State.HELD, "possible-duplicate")
        if response["status"] != expected.status or any(_changed(each, several) for each, several in pairs):
            raise Stop(State.HELD, "changed-by-ehr")
        if not all(several for _, several in pairs):
            raise Stop(State.UNKNOWN, "not-read-back")
        kept = expected.labels <= labels_of(response) and all(each.labels <= labels_of(one) for each, (one,) in pairs)
        return None if kept else "label-dropped"


def _identifier(response: Resource) -> Identifier | None:
    identifier = response.get("identifier")
    return (identifier.get("system", ""), identifier.get("value", "")) if identifier else None


def _same_patient(patient: Resource, shown: PatientShown) -> bool:
    facts = [(each.id, each.name, each.birth_date, set(each.identifiers)) for each in (read_patient(patient), shown)]
    return patient.get("active", True) is True and not patient.get("link") and facts[0] == facts[1]


def _changed(expected: ExpectedObservation, found: list[Resource]) -> bool:
    told = expected.status, expected.value, expected.absent_reason
    return any((each["status"], value_of(each), absent_reason_of(each)) != told for each in found)


def _only(ids: set[str]) -> str:
    if len(ids) > 1:
        raise Stop(State.HELD, "possible-duplicate")
    return ids.pop()


def unread(error: FhirError) -> FhirError | Stop:
    """Return what to raise when something that was sent cannot be read."""
    if error.status in _GONE:
        return Stop(State.UNKNOWN, "not-read-back")
    lasting = hold_reason(error) is not None and not isinstance(error, SignInNeeded)
    return Stop(State.HELD, "cannot-read-back") if lasting else error


@contextmanager
def foreign() -> Iterator[None]:
    """Read what another system wrote: any shape may come, and a wrong one is no usable answer."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError):
        raise EhrUnreachable("malformed resource") from None
