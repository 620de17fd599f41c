"""What the EHR's chart says: is it still this patient, is our response there, did everything read back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from fhir_alliance.delivery.comparing import compare, is_patient, is_response, is_score, standing
from fhir_alliance.delivery.expected import Expected, Identifier, identifiers_of
from fhir_alliance.delivery.outcomes import Stop, hold_reason
from fhir_alliance.delivery.receipts import State
from fhir_alliance.delivery.searching import Searches
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import EhrUnreachable, FhirError, SignInNeeded
from fhir_alliance.records.corrections import STRUCK
from fhir_alliance.records.submission import PatientShown

_GONE: Final = frozenset({404, 410})

Resource = Mapping[str, Any]


class Chart:
    """One patient's chart at one EHR, read to protect a write and to confirm it."""

    def __init__(self, client: FhirClient, *, fhir_base: str, expected: Expected) -> None:
        self._client = client
        self._base = fhir_base
        self._expected = expected
        self._searches = Searches(client, expected.subject.rpartition("/")[2], since=expected.since)

    def check_patient(self, shown: PatientShown) -> None:
        """Stop unless the patient is still as shown: not gone, merged, inactive or changed."""
        patient = self._present("Patient", shown.id, gone="patient-gone")
        with foreign():
            same = is_patient(patient, shown)
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
        return _id_of(*self._responses())

    def response_at(self, known: str) -> Resource:
        """Return our response by the id that the EHR gave it, or another copy when that one was marked as an error.

        Stops when several others are there; raises what reading raises.
        """
        response = self._client.read("QuestionnaireResponse", known)
        if response.get("status") != STRUCK:
            return response
        return _only([response, *self._responses()[0]])

    def find_score(self, score: Resource) -> str | None:
        """Return the id of one score if it is there, found in the same ways; stops as above."""
        wanted = identifiers_of(score)[0]
        return _id_of(*self._ours("Observation", wanted, partial(is_score, score=score)))

    def all_of(self, ours: Resource) -> list[Resource]:
        """Return all there is of a response or score of ours, by identifier and by patient, be it there twice.

        Stops when nothing could be proven. What is filed for somebody else comes too when it has our identifier.
        """
        response = ours["resourceType"] == "QuestionnaireResponse"
        is_ours = partial(is_response, expected=self._expected) if response else partial(is_score, score=ours)
        found: dict[str, Resource] = {}
        proven = False
        for result in self._searches.both_ways(ours["resourceType"], identifiers_of(ours)[0]):
            with foreign():
                mine = [each for each in result.resources if identifiers_of(each) or self.is_of_patient(each)]
                found |= {each["id"]: each for each in mine if is_ours(each)}
            proven = proven or result.complete
        if not proven:
            raise Stop(State.HELD, "outcome-unknown")
        return list(found.values())

    def is_of_patient(self, resource: Resource) -> bool:
        """Whether a resource is filed for the patient that it was sent for."""
        return self._subject(resource) == self._expected.subject

    def _responses(self) -> tuple[list[Resource], bool]:
        is_ours = partial(is_response, expected=self._expected)
        return self._ours("QuestionnaireResponse", self._expected.identifier, is_ours)

    def _ours(
        self, kind: str, identifier: Identifier, is_ours: Callable[[Resource], bool]
    ) -> tuple[list[Resource], bool]:
        """Return all copies of something that are found in one way, and whether that proves anything."""
        proven = False
        for result in self._searches.both_ways(kind, identifier):
            with foreign():
                ours: list[Resource] = [each for each in result.resources if is_ours(each)]
            if ours:
                return ours, True
            proven = proven or result.complete
        return [], proven

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
            return compare(self._expected, response, found, subject=self._subject)

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
            for observation in self._searches.recent("Observation").resources:
                for each in identifiers_of(observation):
                    found.setdefault(each, []).append(observation)
        return found

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


def _id_of(copies: Sequence[Resource], proven: bool) -> str | None:
    if not proven:
        raise Stop(State.HELD, "outcome-unknown")
    return str(_only(copies)["id"]) if copies else None


def _only(copies: Sequence[Resource]) -> Resource:
    """Return the copy of a resource that counts; stops when there are several."""
    count = standing(copies)
    with foreign():
        several = len({each["id"] for each in count}) > 1
    if several:
        raise Stop(State.HELD, "possible-duplicate")
    return count[0]


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
