"""What the EHR's chart says: is it still this patient, is our response there, did everything read back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from fhir_alliance.delivery.expected import (
    Expected,
    ExpectedObservation,
    Identifier,
    absent_reason_of,
    identifiers_of,
    labels_of,
    value_of,
)
from fhir_alliance.delivery.outcomes import Stop, hold_reason
from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import EhrUnreachable, FhirError, SignInNeeded
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.terms import OBSERVATION_CATEGORY

_GONE: Final = frozenset({404, 410})
# Servers read a date without a time in their own time zone: one day earlier is early enough everywhere.
_MARGIN: Final = timedelta(days=1)

Resource = Mapping[str, Any]
Params = Sequence[tuple[str, str]]


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

        Stops when nothing could be proven, or when there are several.
        """
        in_chart = [("patient", self._patient_id)]
        return self._find("QuestionnaireResponse", self._expected.identifier, in_chart, self._is_ours)

    def find_score(self, score: Resource) -> str | None:
        """Return the id of one score if it is there, found in the same ways; stops as above."""
        wanted = identifiers_of(score)[0]
        return self._find("Observation", wanted, self._recent(), lambda each: _is_score(each, score))

    def all_of(self, ours: Resource) -> list[Resource]:
        """Return all there is of a response or score of ours, by identifier and by patient, be it there twice.

        Stops when nothing could be proven. What is filed for somebody else comes too when it has our identifier.
        """
        response = ours["resourceType"] == "QuestionnaireResponse"
        in_chart = [("patient", self._patient_id)] if response else self._recent()
        found: dict[str, Resource] = {}
        proven = False
        for params in ([("identifier", "|".join(identifiers_of(ours)[0]))], in_chart):
            if (result := self._searched(ours["resourceType"], params)) is None:
                continue
            with foreign():
                mine = [each for each in result.resources if identifiers_of(each) or self.is_of_patient(each)]
                is_ours = self._is_ours if response else partial(_is_score, score=ours)
                found |= {each["id"]: each for each in mine if is_ours(each)}
            proven = proven or result.complete
        if not proven:
            raise Stop(State.HELD, "outcome-unknown")
        return list(found.values())

    def is_of_patient(self, resource: Resource) -> bool:
        """Whether a resource is filed for the patient that it was sent for."""
        return self._subject(resource) == self._expected.subject

    def _searched(self, kind: str, params: Params) -> SearchResult | None:
        """Return what a search finds, None where the EHR does not let us search like that."""
        try:
            return self._client.search(kind, params)
        except FhirError as error:
            if isinstance(error, SignInNeeded) or hold_reason(error) is None:
                raise
            return None

    def _find(
        self, kind: str, identifier: Identifier, in_chart: Params, is_ours: Callable[[Resource], bool]
    ) -> str | None:
        """Search by identifier, which a server may ignore or refuse, and by patient."""
        proven = False
        for params in ([("identifier", "|".join(identifier))], in_chart):
            if (found := self._searched(kind, params)) is None:
                continue
            with foreign():
                ours = {each["id"] for each in found.resources if is_ours(each)}
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
        found: dict[Identifier, list[Resource]] = {}
        with foreign():
            for observation in self._client.search("Observation", self._recent()).resources:
                for each in identifiers_of(observation):
                    found.setdefault(each, []).append(observation)
        return found

    def _recent(self) -> Params:
        """Return how the scores since then are asked for: a combination that every US Core server SHALL support."""
        since = (self._expected.since - _MARGIN).date()
        return [
            ("patient", self._patient_id),
            ("category", f"{OBSERVATION_CATEGORY}|survey"),
            ("date", f"ge{since.isoformat()}"),
        ]

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


def _is_score(observation: Resource, score: Resource) -> bool:
    """Whether an Observation is a score of ours; its identifier may have been dropped, then code and moment tell."""
    if identifiers := identifiers_of(observation):
        return identifiers_of(score)[0] in identifiers
    moments = [datetime.fromisoformat(each["effectiveDateTime"]) for each in (observation, score)]
    return bool(_codes(observation) & _codes(score)) and moments[0] == moments[1]


def _codes(observation: Resource) -> set[tuple[str, str]]:
    return {(each.get("system", ""), each.get("code", "")) for each in observation["code"]["coding"]}


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
