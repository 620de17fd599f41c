"""Resources and Bundles that the tests send."""

from typing import Any

BASE = "http://ehr.example.invalid/fhir"
SURVEY = "http://terminology.hl7.org/CodeSystem/observation-category|survey"
ALLIANCE = "https://fhir-alliance.org/fhir/CodeSystem/alliance"

PEOPLE: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "ada", "name": [{"family": "Núñez", "given": ["Ada"]}]},
    {"resourceType": "Patient", "id": "bo", "name": [{"text": "Bo Larsen"}]},
    {"resourceType": "Practitioner", "id": "mori", "name": [{"family": "Mori"}]},
    {
        "resourceType": "Encounter",
        "id": "visit",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/ada"},
        "period": {"start": "2026-03-04T10:00:00Z", "end": "2026-03-04T10:50:00Z"},
    },
]


def observation(**changes: Any) -> dict[str, Any]:
    """Return a small valid Observation of Ada's; a change to None takes the element away."""
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": SURVEY.split("|", maxsplit=1)[0], "code": "survey"}]}],
        "code": {"coding": [{"system": ALLIANCE, "code": "visit-check-in-core"}]},
        "subject": {"reference": "Patient/ada"},
        "encounter": {"reference": "Encounter/visit"},
        "effectiveDateTime": "2026-03-04T10:45:00Z",
        "valueQuantity": {"value": 7.1667, "unit": "score"},
        **changes,
    }
    return {name: value for name, value in resource.items() if value is not None}


def entry(method: str, url: str, resource: Any = None, full_url: str | None = None, **request: str) -> dict[str, Any]:
    """Return a Bundle entry."""
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    made |= {"resource": resource} if resource is not None else {}
    return made | ({"fullUrl": full_url} if full_url else {})


def bundle(kind: str, *entries: Any) -> dict[str, Any]:
    """Return a Bundle to be carried out."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def answers() -> dict[str, Any]:
    """Return a response of Ada's."""
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": {"reference": "Patient/ada"}}


TIMES = ("2026-01-31T23:30:00-05:00", "2026-03-04", "2026-03-04T10:45:00.250+01:00", "2025")

SEARCHED: list[dict[str, Any]] = [
    *(
        observation(
            id=f"o{number}",
            identifier=[{"system": "urn:s", "value": str(number)}],
            code={"coding": [{"system": ALLIANCE, "code": "even" if number % 2 == 0 else "odd"}]},
            subject={"reference": "Patient/ada" if number < 3 else "Patient/bo"},
            effectiveDateTime=time,
        )
        for number, time in enumerate(TIMES)
    ),
    observation(id="o4", identifier=[{"value": "bare"}], effectiveDateTime=None, status="amended", category=None),
    observation(id="o5", effectiveDateTime=None, effectivePeriod={"start": "2026-05-01"}, status="amended"),
    *(
        {
            "resourceType": "Questionnaire",
            "id": f"q{version}",
            "url": "http://forms.example.invalid/a,b",
            "version": f"{version}.0",
            "status": status,
            "title": "Visit Check-in",
        }
        for version, status in ((1, "retired"), (2, "active"))
    ),
    {
        **answers(),
        "id": "r1",
        "questionnaire": "http://forms.example.invalid/a|1.0",
        "authored": "2026-03-04T11:00:00Z",
    },
]
