"""The synthetic record: always the same, true to FHIR, with every course of care in it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from smart_app.sandbox.people.cast import people
from smart_app.sandbox.people.courses import COURSES
from smart_app.sandbox.people.population import population

TODAY = date(2026, 11, 24)
Record = list[dict[str, Any]]

# Typed from the instrument's description, apart from the code under test: items and how many must be answered.
SCALES = {
    "core": ({1, 2, 3, 4, 5, 6}, 5),
    "full": (set(range(1, 13)), 10),
    "bond-openness": ({1, 2, 3, 7, 9}, 4),
    "goals": ({5, 10}, 2),
    "tasks-collaboration": ({6, 8}, 2),
    "safety-boundaries": ({4, 11, 12}, 2),
}


def _of(record: Record, resource_type: str) -> Record:
    return [resource for resource in record if resource["resourceType"] == resource_type]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _answers(response: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    pending = list(response["item"])
    while pending:
        item = pending.pop()
        pending += item.get("item", [])
        for answer in item.get("answer", []):
            if "valueCoding" in answer:
                found[item["linkId"]] = answer["valueCoding"]["code"]
    return found


def _core_series(record: Record, patient: str, form: str = "checkin") -> dict[int, float]:
    pattern = re.compile(rf"{patient}-v(\d+)-{form}-core")
    found = {}
    for observation in _of(record, "Observation"):
        match = pattern.fullmatch(observation["id"])
        if match and "valueQuantity" in observation:
            found[int(match[1])] = observation["valueQuantity"]["value"]
    return found


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_same_day_gives_the_same_record(record: Record) -> None:
    """The record of a day can be made again, byte for byte."""
    again = population(TODAY)

    assert again == record


def test_answers_do_not_depend_on_the_day(record: Record) -> None:
    """On another day the same people give the same answers: only the dates move."""
    later = population(date(2027, 3, 1))

    assert [resource["id"] for resource in later] == [resource["id"] for resource in record]
    assert [_answers(one) for one in _of(later, "QuestionnaireResponse")] == [
        _answers(one) for one in _of(record, "QuestionnaireResponse")
    ]


def test_every_resource_is_valid_fhir(record: Record) -> None:
    """Every resource passes the R4B models."""
    for resource in record:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_every_reference_leads_somewhere(record: Record) -> None:
    """No reference points outside the record, and ids are unique and at most 64 characters."""
    known = [f"{resource['resourceType']}/{resource['id']}" for resource in record]

    assert set(_references(record)) <= set(known)
    assert len(set(known)) == len(known)
    assert max(len(resource["id"]) for resource in record) <= 64


def test_identifiers_and_submissions_are_unique(record: Record) -> None:
    """MRNs, submissions and our Observations can each be found by one identifier."""
    identifiers = Counter(
        (identifier["system"], identifier["value"])
        for resource in record
        for identifier in _as_list(resource.get("identifier", []))
    )

    assert set(identifiers.values()) == {1}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_cast_is_as_promised(record: Record) -> None:
    """There are 24 adults with 6 to 30 visits each, 5 therapists with a role, and one clinic."""
    visits = Counter(visit["subject"]["reference"] for visit in _of(record, "Encounter"))

    assert len(_of(record, "Patient")) == len(visits) == 24
    assert len(_of(record, "Practitioner")) == len(_of(record, "PractitionerRole")) == 5
    assert len(_of(record, "Organization")) == 1
    assert min(visits.values()) == 6
    assert max(visits.values()) == 30
    assert all(date.fromisoformat(patient["birthDate"]) < date(2006, 1, 1) for patient in _of(record, "Patient"))


def test_every_course_is_taken_twice() -> None:
    """Each course of care is taken by at least two patients."""
    taken = Counter(person.course for person in people())

    assert set(taken) == set(COURSES)
    assert min(taken.values()) >= 2


def test_patients_in_care_have_begun_a_visit_today(record: Record) -> None:
    """Whoever is still in care has one open visit today, with the current therapist and without answers."""
    today = [visit for visit in _of(record, "Encounter") if visit["status"] == "in-progress"]
    leavers = {person.id for person in people() if person.left_days}
    therapists = {one["id"]: one["generalPractitioner"][0]["reference"] for one in _of(record, "Patient")}
    about = {one["encounter"]["reference"] for one in record if "encounter" in one}

    assert {visit["subject"]["reference"] for visit in today} == {
        f"Patient/{person.id}" for person in people() if person.id not in leavers
    }
    for visit in today:
        patient = visit["subject"]["reference"].removeprefix("Patient/")
        assert datetime.fromisoformat(visit["period"]["start"]).date() == TODAY
        assert datetime.fromisoformat(visit["period"]["start"]).tzinfo is not None
        assert "end" not in visit["period"]
        assert visit["participant"][0]["individual"]["reference"] == therapists[patient]
        assert f"Encounter/{visit['id']}" not in about


def test_past_visits_are_over_and_in_order(record: Record) -> None:
    """Visits before today are finished, on working days, and at least five days apart."""
    days = defaultdict(list)
    for visit in _of(record, "Encounter"):
        start = datetime.fromisoformat(visit["period"]["start"])
        days[visit["subject"]["reference"]].append(start)
        assert visit["status"] == ("in-progress" if start.date() == TODAY else "finished")
        assert start.weekday() < 5

    for starts in days.values():
        assert all((later - earlier).days >= 5 for earlier, later in pairwise(starts))


def test_scores_equal_an_independent_calculation(record: Record) -> None:
    """Each score is the mean of the answers it rests on, rounded half up to four decimals, or has no value."""
    responses = {f"QuestionnaireResponse/{one['id']}": one for one in _of(record, "QuestionnaireResponse")}
    checked = 0
    for observation in _of(record, "Observation"):
        if "component" not in observation:
            continue
        code = observation["code"]["coding"][0]["code"]
        items, needed = SCALES[code.removeprefix("visit-check-in-").removeprefix("therapist-")]
        answers = _answers(responses[observation["derivedFrom"][0]["reference"]])
        given = [int(answers[str(item)]) for item in items if str(item) in answers]
        assert observation["component"][0]["valueQuantity"]["value"] == len(given)
        if len(given) < needed:
            assert "valueQuantity" not in observation
            assert observation["dataAbsentReason"]["coding"][0]["code"] == "unknown"
        else:
            ten_thousandths = int(Fraction(sum(given), len(given)) * 10_000 + Fraction(1, 2))
            assert round(observation["valueQuantity"]["value"] * 10_000) == ten_thousandths
            assert "dataAbsentReason" not in observation
        checked += 1

    assert checked > 500


def test_panels_hold_the_scores_of_their_form(record: Record) -> None:
    """A panel has no value; its members are the core score, and on a long form the full and domain scores as well."""
    panels = [one for one in _of(record, "Observation") if "hasMember" in one]
    forms = Counter(len(one["hasMember"]) for one in panels)

    assert len(panels) == len(_of(record, "QuestionnaireResponse"))
    assert set(forms) == {1, 6}
    for panel in panels:
        assert "valueQuantity" not in panel
        assert panel["category"][1]["coding"][0]["code"] == "therapeutic-alliance"
        assert len(panel["performer"]) == 1


def test_long_forms_are_asked_at_visits_3_4_and_every_sixth(record: Record) -> None:
    """The long form is asked at visits 3, 4, 10, 16, 22 and 28, the short one at all others."""
    numbers = defaultdict(set)
    for response in _of(record, "QuestionnaireResponse"):
        form = response["questionnaire"].rpartition("/")[2]
        numbers[form].add(int(re.findall(r"-v(\d+)-", response["id"])[0]))

    assert numbers["visit-check-in-patient-full|1.0.0"] == {3, 4, 10, 16, 22, 28}
    assert not numbers["visit-check-in-patient-core|1.0.0"] & {3, 4, 10, 16, 22, 28}
    assert {3, 4} <= numbers["visit-check-in-therapist-core|1.0.0"]


def test_what_patients_supplied_is_labelled(record: Record) -> None:
    """Forms and scores are restricted; those from the patient carry the tag, the therapist's do not."""
    for resource in record:
        if resource["resourceType"] != "QuestionnaireResponse" and "component" not in resource:
            continue
        from_patient = "-checkin" in resource["id"]
        assert resource["meta"]["security"][0]["code"] == "R"
        assert ("tag" in resource["meta"]) is from_patient


def test_outcome_totals_are_in_range(record: Record) -> None:
    """PHQ-9 totals lie in 0 to 27 and GAD-7 totals in 0 to 21, about monthly for everybody."""
    totals = defaultdict(list)
    for observation in _of(record, "Observation"):
        coding = observation["code"]["coding"][0]
        if coding["system"] == "http://loinc.org":
            totals[coding["code"]].append(observation["valueQuantity"]["value"])

    assert set(totals) == {"44261-6", "70274-6"}
    assert all(0 <= total <= 27 for total in totals["44261-6"])
    assert all(0 <= total <= 21 for total in totals["70274-6"])
    assert min(len(found) for found in totals.values()) >= 24 * 2


def test_gaps_and_skipped_items_occur(record: Record) -> None:
    """Some visits have no answered form, some items are skipped, and some scores cannot be given for it."""
    finished = [visit for visit in _of(record, "Encounter") if visit["status"] == "finished"]
    answered = {
        one["encounter"]["reference"] for one in _of(record, "QuestionnaireResponse") if "-checkin" in one["id"]
    }
    absent = [one for one in _of(record, "Observation") if "dataAbsentReason" in one]

    assert 0.8 < len(answered) / len(finished) < 0.95
    assert len(absent) >= 5
    assert any(one["code"]["coding"][0]["code"] == "visit-check-in-core" for one in absent)


@pytest.mark.parametrize("person", people(), ids=lambda person: person.id)
def test_course_shows_in_the_scores(record: Record, person: Any) -> None:
    """What the patient answered over the visits has the shape of the course."""
    series = _core_series(record, person.id)
    guesses = _core_series(record, person.id, "guess")
    before = [score for visit, score in series.items() if visit < person.turn]
    after = [score for visit, score in series.items() if visit >= person.turn]
    scores = list(series.values())
    shapes = {
        "steady": lambda: max(scores) - min(scores) < 3,
        "ceiling": lambda: set(scores) == {10},
        "disagreement": lambda: (
            abs(_mean(scores) - _mean(list(guesses.values()))) > 3 and len(guesses) > len(series) / 2
        ),
        "rising": lambda: _mean(scores[-3:]) - _mean(scores[:3]) > 1,
        "repair": lambda: _mean(before) - after[0] > 2 and after[-1] - after[0] > 2,
        "unrepaired": lambda: _mean(before) - max(after) > 1.5,
        "dropout": lambda: scores[0] - scores[-1] > 3,
        "new-therapist": lambda: _mean(before) - after[0] > 1.5 and after[-1] - after[0] > 1,
    }

    assert shapes[person.course]()


def test_change_of_therapist_shows_in_the_visits(record: Record) -> None:
    """Patients who change therapist see the first one before the turn and the second from then on."""
    changed = [person for person in people() if len(person.therapists) > 1]
    seen = defaultdict(list)
    for visit in _of(record, "Encounter"):
        seen[visit["subject"]["reference"]].append(visit["participant"][0]["individual"]["reference"])

    assert len(changed) >= 2
    for person in changed:
        first, second = (f"Practitioner/{therapist}" for therapist in person.therapists)
        expected = [first] * (person.turn - 1) + [second] * (person.visits - person.turn + 1)
        assert seen[f"Patient/{person.id}"] == expected


@pytest.mark.parametrize(("hour", "start"), [("07:03", "07:00"), ("09:00", "09:00"), ("23:59", "09:00")])
def test_todays_visit_has_begun(hour: str, start: str) -> None:
    """Whenever the sandbox is started, no visit of today lies in the future, and an earlier one keeps its hour."""
    now = datetime.fromisoformat(f"2026-03-10T{hour}:00-05:00")

    found = population(now.date(), now=now)

    encounter = next(each for each in found if each.get("id") == "maria-lopez-v14")
    assert encounter["period"]["start"] == f"2026-03-10T{start}:00-05:00"
