"""Searches: what each parameter finds, and in which order."""

import pytest

from .conftest import Caller, problem
from .samples import ALLIANCE, BASE, SURVEY

pytestmark = pytest.mark.usefixtures("filled")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("patient=ada&date=le2026-03", "o0 o1 o2"),
        ("patient=Patient/ada&date=le2026-03", "o0 o1 o2"),
        (f"subject={BASE}/Patient/bo", "o3"),
        ("subject=bo", "o3"),
        ("subject=Practitioner/ada", ""),
        ("encounter=visit&identifier=1", "o1"),
        ("encounter=Encounter/visit&identifier=urn:s|1", "o1"),
        ("identifier=urn:s|1,urn:s|3", "o1 o3"),
        ("identifier=|bare", "o4"),
        ("identifier=|1", ""),
        ("identifier=urn:s|", "o0 o1 o2 o3"),
        (f"category={SURVEY}&status=amended", "o5"),
        ("category=survey&category=laboratory", ""),
        (f"code={ALLIANCE}|odd&patient=ada", "o1"),
        ("code=even,odd&code=odd", "o1 o3"),
        ("status=final,amended&_id=o1,o5", "o1 o5"),
        ("_id=o1", "o1"),
        ("_id=O1", ""),
    ],
)
def test_parameters(ehr: Caller, query: str, found: str) -> None:
    """Commas mean OR, repeats mean AND; tokens and references match with and without their first half."""
    assert sorted(ehr.ids(f"/Observation?{query}")) == found.split()


@pytest.mark.parametrize(
    ("date", "found"),
    [
        ("2026-03-04", "o1 o2"),
        ("eq2026-03-04", "o1 o2"),
        ("2026-03-04T09:45:00Z", "o2"),
        ("2026-03-04T09:45Z", "o2"),
        ("2026-03-04T09:45:00.250Z", "o2"),
        ("2026-02-01", "o0"),
        ("2026", "o0 o1 o2"),
        ("ne2026", "o3 o5"),
        ("gt2026-03-04", "o5"),
        ("ge2026-03-04", "o1 o2 o5"),
        ("lt2026-03-04", "o0 o3"),
        ("le2026-03-04", "o0 o1 o2 o3"),
        ("sa2025-12", "o0 o1 o2 o5"),
        ("sa2026-03", "o5"),
        ("eb2026-02-01", "o3"),
        ("eb2026-03-05", "o0 o1 o2 o3"),
        ("lt9999-12-31", "o0 o1 o2 o3 o5"),
        ("ge2026-02&date=lt2026-04", "o0 o1 o2"),
    ],
)
def test_dates(ehr: Caller, date: str, found: str) -> None:
    """A date means its whole day, month or year; prefixes compare the ranges as FHIR R4 says."""
    assert sorted(ehr.ids(f"/Observation?date={date}")) == found.split()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/Patient?name=nunez", "ada"),
        ("/Patient?name=AD", "ada"),
        ("/Patient?name=bo,ada", "ada bo"),
        ("/Patient?family=Ada", ""),
        ("/Patient?given=ada", "ada"),
        ("/Questionnaire?url=http://forms.example.invalid/a\\,b", "q1 q2"),
        ("/Questionnaire?url=http://forms.example.invalid/a\\,b&version=2.0", "q2"),
        ("/Questionnaire?title=visit", "q1 q2"),
        ("/Questionnaire?status=active", "q2"),
        ("/QuestionnaireResponse?questionnaire=http://forms.example.invalid/a", "r1"),
        ("/QuestionnaireResponse?questionnaire=http://forms.example.invalid/a|1.0", "r1"),
        ("/QuestionnaireResponse?questionnaire=http://forms.example.invalid/a|2.0", ""),
        ("/QuestionnaireResponse?authored=2026-03-04&date=2026-03", "r1"),
        ("/Encounter?date=2026-03-04&class=AMB", "visit"),
        ("/Encounter?patient=ada&date=gt2026-03-04T10:20:00Z", "visit"),
        ("/Encounter?_lastUpdated=gt2020", "visit"),
        ("/Encounter?_lastUpdated=lt2020", ""),
    ],
)
def test_types(ehr: Caller, path: str, found: str) -> None:
    """Each type has its own parameters; names are found by their beginning, without case and accents."""
    assert sorted(ehr.ids(path)) == found.split()


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("date", "o3 o0 o1 o2"),
        ("-date", "o2 o1 o0 o3"),
        ("-_id", "o3 o2 o1 o0"),
        ("code,-_id", "o2 o0 o3 o1"),
        ("_lastUpdated,_id", "o0 o1 o2 o3"),
    ],
)
def test_order(ehr: Caller, sort: str, order: str) -> None:
    """Results come in the order asked for; a minus turns it round."""
    assert ehr.ids(f"/Observation?status=final&_sort={sort}") == order.split()


@pytest.mark.parametrize(
    "query",
    [
        "date=yesterday",
        "date=2026-13",
        "date=2026-02-30",
        "date=xx2026",
        "date=",
        "patient=",
        "_count=-1",
        "_count=many",
        "_sort=color",
        "_page=next",
        "code:not=odd",
        "patient.name=ada",
        "date=2026-03-04T25:00:00Z",
        "date=%C2%B2026",
        "date=ge%0A",
    ],
)
def test_bad_values(ehr: Caller, query: str) -> None:
    """A value, modifier or chain that cannot be honoured is refused, never ignored."""
    assert problem(ehr.get(f"/Observation?{query}")) == (400, "invalid")


def test_values_are_values(ehr: Caller) -> None:
    """Quotes and SQL in a value find nothing and break nothing."""
    assert ehr.ids("/Observation?_id=o1') OR 1=1 --") == []
    assert ehr.ids("/Observation?identifier=urn:s|\\|1") == []
    assert ehr.ids("/Patient?name=%25") == []
