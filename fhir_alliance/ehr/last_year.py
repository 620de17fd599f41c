"""A patient's resources of one type: all of them, or of more than are read at once those of the last year."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.ehr.shapes import only_well_shaped
from fhir_alliance.errors import FhirError, SignInNeeded

YEAR: Final = timedelta(days=365)
# US Core's names of what a type is searched by for its time.
_TIMES: Final = {"Encounter": "date", "Observation": "date", "QuestionnaireResponse": "authored"}
_MANY: Final = ("_count", "200")


def search_patient(
    client: FhirClient, kind: str, patient: str, *more: tuple[str, str], since: date | None = None
) -> SearchResult:
    """Return a patient's resources of a type, those that can be understood, also from a day on.

    Servers may ignore a parameter they do not know, so that older ones may be among them. Raises what a search raises.
    """
    dated = [(_TIMES[kind], f"ge{since}")] if since else []
    return only_well_shaped(client.search(kind, [("patient", patient), *more, *dated, _MANY]))


def search_last_year(client: FhirClient, kind: str, patient: str, *, today: date) -> SearchResult:
    """Return a patient's resources of a type; one that is `cut` is `complete` where the last year is whole.

    Then it holds what else came as well. An EHR that refuses to search by time is asked for no more.
    """
    found = search_patient(client, kind, patient)
    if not found.cut:
        return found
    try:
        recent = search_patient(client, kind, patient, since=today - YEAR)
    except SignInNeeded:
        raise
    except FhirError:
        return found
    return replace(found.with_those_of(recent), complete=recent.complete)
