"""What is ours in a chart is searched for in two ways: by identifier, and among all of its kind that a patient has."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from fhir_alliance.delivery.expected import Identifier
from fhir_alliance.delivery.outcomes import hold_reason
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import FhirError, SignInNeeded
from fhir_alliance.terms import OBSERVATION_CATEGORY

# Servers read a date without a time in their own time zone: one day earlier is early enough everywhere.
_MARGIN: Final = timedelta(days=1)

Params = Sequence[tuple[str, str]]


class Searches:
    """Searches of one patient's chart, by the patient's id, for what was written there `since` a time."""

    def __init__(self, client: FhirClient, patient: str, *, since: datetime) -> None:
        self._client = client
        self._patient = patient
        self._since = since

    def both_ways(self, kind: str, identifier: Identifier) -> Iterator[SearchResult]:
        """Yield what is found by an identifier, which a server may ignore or refuse, and what by the patient.

        A way in which the EHR does not let us search is left out.
        """
        for params in ([("identifier", "|".join(identifier))], self._in_chart(kind)):
            try:
                yield self._client.search(kind, params)
            except FhirError as error:
                if isinstance(error, SignInNeeded) or hold_reason(error) is None:
                    raise

    def recent(self, kind: str) -> SearchResult:
        """Return what the patient has of a kind."""
        return self._client.search(kind, self._in_chart(kind))

    def _in_chart(self, kind: str) -> Params:
        """Return how a kind is asked for: combinations that every US Core server SHALL support."""
        if kind == "QuestionnaireResponse":
            return [("patient", self._patient)]
        since = (self._since - _MARGIN).date()
        return [
            ("patient", self._patient),
            ("category", f"{OBSERVATION_CATEGORY}|survey"),
            ("date", f"ge{since.isoformat()}"),
        ]
