"""One element of another kind than FHIR says makes a resource that no page reads; it breaks none."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.ehr.shapes import only_well_shaped, well_shaped
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.records.patient import languages_of, read_patient
from fhir_alliance.terms import ALLIANCE
from fhir_alliance.trajectory.companions import read_companions
from fhir_alliance.trajectory.series import read_series, read_visits
from tests.odd_elements import ODD, Place, places, put, value_at

CHECK_IN, GAD = shipped().instrument("visit-check-in"), shipped().instrument("gad-7")
ABOUT = {"subject": {"reference": "Patient/maria"}, "encounter": {"reference": "Encounter/v1"}}
MRN = {"coding": [{"code": "MR", "display": "MRN"}], "text": "number"}
ANSWER = {"linkId": "1", "answer": [{"valueCoding": {"system": ALLIANCE, "code": "8"}}]}
SKIPPED = {"linkId": "2", "extension": [{"url": "urn:x"}], "answer": [{"valueBoolean": True, "valueDecimal": 1.5}]}
COUNT = {"code": {"coding": [{"system": ALLIANCE, "code": "items-answered"}]}, "valueQuantity": {"value": 6}}
TOTAL = {"system": "http://loinc.org", "code": "70274-6"}
SAMPLES: dict[str, dict[str, Any]] = {
    "Patient": {
        "identifier": [{"system": "urn:oid:2.999", "value": "4821", "type": MRN}],
        "name": [{"use": "usual", "family": "Lopez", "given": ["Maria", None]}, {"use": "old", "text": "Maria Perez"}],
        "birthDate": "1991-06-17",
    },
    "Encounter": {
        **ABOUT,
        "status": "finished",
        "period": {"start": "2026-03-01T09:00:00-05:00"},
        "participant": [{"individual": {"reference": "Practitioner/ada", "display": "Dr. Ada"}}],
    },
    "Observation": {
        **ABOUT,
        "status": "final",
        "code": {"coding": [{"system": ALLIANCE, "code": "visit-check-in-core"}, TOTAL]},
        "effectiveDateTime": "2026-03-01T09:50:00-05:00",
        "valueQuantity": {"value": 7.5},
        "dataAbsentReason": {"coding": [{"code": "asked-declined"}]},
        "method": {"coding": [{"code": "visit-check-in-1.0.0"}]},
        "derivedFrom": [{"reference": "QuestionnaireResponse/r1"}],
        "component": [{"code": {"coding": []}}, COUNT],
    },
    "QuestionnaireResponse": {
        **ABOUT,
        "status": "completed",
        "questionnaire": CHECK_IN.form(Rater.PATIENT, "core").canonical,
        "item": [{"linkId": "core", "item": [ANSWER, SKIPPED]}],
    },
    "Practitioner": {"communication": [{**MRN, "language": MRN, "preferred": True}]},
    "PractitionerRole": {"practitioner": {"reference": "Practitioner/ada"}},
}


def read_results(observation: dict[str, Any]) -> None:
    """Read an Observation as the trend and the other results are."""
    visits = read_visits([sample("Encounter")], patient="maria")
    read_series([observation], visits, CHECK_IN, patient="maria")
    read_companions([observation], [GAD], patient="maria", zone=ZoneInfo("America/New_York"))


READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "Patient": read_patient,
    "Encounter": lambda encounter: read_visits([encounter], patient="maria"),
    "Observation": read_results,
    "QuestionnaireResponse": lambda response: read_answers(response, CHECK_IN.form(Rater.PATIENT, "core")),
    "Practitioner": languages_of,
    "PractitionerRole": lambda role: str(role.get("practitioner", {}).get("reference", "")),
}


def sample(kind: str) -> dict[str, Any]:
    """Return a right resource of a type."""
    return {"resourceType": kind, "id": "1", **SAMPLES[kind]}


def kind_of(value: object) -> str:
    """Return the kind of a JSON value: a number is one with decimals or without."""
    return "number" if type(value) in (int, float) else type(value).__name__


def with_odd(kind: str, place: Place, odd: object) -> dict[str, Any]:
    """Return a resource with another value at one place."""
    resource = deepcopy(sample(kind))
    put(resource, place, odd)
    return resource


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_is_well_shaped_can_be_read(kind: str) -> None:
    """Whatever stands at whatever place, a resource is either not well shaped, or no reader fails on it."""
    odd_ones = [with_odd(kind, place, odd) for place in places(sample(kind)) for odd in ODD]

    usable = [each for each in odd_ones if well_shaped(each)]

    for each in usable:
        READERS[kind](each)
    assert well_shaped(sample(kind))
    assert 0 < len(usable) < len(odd_ones)


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_has_another_kind_is_not_well_shaped(kind: str) -> None:
    """A value of another kind than FHIR's is seen wherever it stands, but for what no page reads."""
    let_pass = {
        place
        for place in places(sample(kind))
        for odd in ODD
        if kind_of(odd) != kind_of(value_at(sample(kind), place)) and well_shaped(with_odd(kind, place, odd))
    }

    # No page reads decimals, and null may stand for a part of a name.
    assert {place for place in let_pass if place[-1] != "valueDecimal" and place[-2:-1] != ("given",)} == set()


def test_one_odd_resource_takes_no_other_with_it() -> None:
    """The others of a search are kept, and the result says that it is not complete."""
    odd = with_odd("Encounter", ("period",), [])
    right = sample("Encounter")

    found = only_well_shaped(SearchResult(resources=(right, odd), complete=True))

    assert found == SearchResult(resources=(right,), complete=False)
    assert only_well_shaped(SearchResult(resources=(right,), complete=True)).complete


def test_a_name_with_a_part_that_is_only_an_extension() -> None:
    """The null that FHIR writes there is no part of the name that is shown."""
    shown = read_patient(sample("Patient"))

    assert (shown.name, shown.identifiers) == ("Maria Lopez", (("urn:oid:2.999", "4821"),))
