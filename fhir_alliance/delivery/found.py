"""How what a correction is about is found in a chart again, and what of it is compared, by rung."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fhir_alliance.delivery.chart import Chart, unread
from fhir_alliance.delivery.comparing import standing
from fhir_alliance.delivery.expected import Identifier, value_of
from fhir_alliance.delivery.pieces import rows_like
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import FhirError
from fhir_alliance.records.corrections import says_the_same

Resource = Mapping[str, Any]


class Finder(Protocol):
    """Finds what of a chart is ours on one rung."""

    def find(self, ours: Resource) -> Sequence[Resource]:
        """Return what of the chart is the resource that we wrote; a copy that is entered in error counts when alone."""

    def same(self, ours: Resource, theirs: Resource) -> bool:
        """Whether a resource of the chart says what we wrote."""


class WholeFinder:
    """Finds the response by the id that the EHR gave it, the scores by their identifiers; compares all we said."""

    def __init__(self, client: FhirClient, chart: Chart, response_id: str | None) -> None:
        self._client = client
        self._chart = chart
        self._response_id = response_id
        self._scores: Mapping[Identifier, Sequence[Resource]] | None = None

    def find(self, ours: Resource) -> Sequence[Resource]:
        """Find a response or a score; stops when it cannot be proven whether it is there."""
        if ours["resourceType"] == "QuestionnaireResponse":
            response_id = self._response_id or self._chart.find_response()
            return [self._chart.response_at(response_id)] if response_id else []
        if self._scores is None:
            self._scores = self._read_scores()
        identifier = ours["identifier"][0]
        return standing(self._scores.get((identifier["system"], identifier["value"]), []))

    def same(self, ours: Resource, theirs: Resource) -> bool:
        """Compare everything but what a server adds."""
        return says_the_same(ours, theirs)

    def _read_scores(self) -> Mapping[Identifier, Sequence[Resource]]:
        try:
            return self._chart.observations()
        except FhirError as error:
            raise unread(error) from None


class RowFinder:
    """Finds the values of flowsheet rows by patient, row and moment, and compares what a flowsheet keeps."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    def find(self, ours: Resource) -> Sequence[Resource]:
        """Find the value of a row at its moment."""
        return standing(rows_like(self._client, ours))

    def same(self, ours: Resource, theirs: Resource) -> bool:
        """Compare status, value, subject, and the comment where it was kept."""
        return _kept(ours) == _kept(theirs) and theirs.get("note", ours.get("note")) == ours.get("note")


def _kept(row: Resource) -> tuple[object, ...]:
    return row["status"], value_of(row), row["subject"]["reference"]
