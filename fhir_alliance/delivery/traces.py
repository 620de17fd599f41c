"""All that a chart has of a form of which nobody knows how much was written, and what of it is not ours to mark."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fhir_alliance.delivery.chart import Chart, foreign
from fhir_alliance.delivery.expected import identifiers_of, value_of
from fhir_alliance.delivery.pieces import rows_like
from fhir_alliance.delivery.receipts import CHANGED_IN_CHART
from fhir_alliance.ehr.fhir import FhirClient

Resource = Mapping[str, Any]


class Traces(Protocol):
    """Finds whatever was left in a chart on one rung."""

    def of(self, ours: Resource) -> Sequence[Resource]:
        """Return all there is of a resource of ours, be it there twice; raises Stop and EhrError."""

    def stranger(self, theirs: Resource) -> str | None:
        """Return why a person has to decide about a resource that was found, None when it is ours."""


class WholeTraces:
    """Finds responses and scores by identifier, and by patient, form and moment; filed for somebody else, too (F21)."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart

    def of(self, ours: Resource) -> Sequence[Resource]:
        """Find a response or score."""
        return self._chart.all_of(ours)

    def stranger(self, theirs: Resource) -> str | None:
        """Leave what stands in somebody else's chart."""
        with foreign():
            return None if self._chart.is_of_patient(theirs) else "subject-rewritten"


class RowTraces:
    """Finds values of flowsheet rows by patient, row and moment; `sent` are all that were ever sent of the form.

    An EHR may drop our identifier. Then a value that we never sent is somebody else's, who files into the same row.
    """

    def __init__(self, client: FhirClient, chart: Chart, sent: Sequence[Resource]) -> None:
        self._client = client
        self._chart = chart
        self._identifiers = {each for row in sent for each in identifiers_of(row)}
        self._values = {(row["code"]["coding"][0]["code"], value_of(row)) for row in sent}

    def of(self, ours: Resource) -> Sequence[Resource]:
        """Find the values of a row at its moment."""
        return rows_like(self._client, ours)

    def stranger(self, theirs: Resource) -> str | None:
        """Leave what stands in somebody else's chart, and what we never sent."""
        with foreign():
            if not self._chart.is_of_patient(theirs):
                return "subject-rewritten"
            codes = {each.get("code") for each in theirs["code"]["coding"]}
            ours = any((code, value_of(theirs)) in self._values for code in codes)
            return None if ours or self._identifiers & {*identifiers_of(theirs)} else CHANGED_IN_CHART
