"""FHIR JSON in words, and times as people read them."""

from datetime import date
from typing import Any

import pytest

from smart_app.sandbox.chart.labels import absent_words, concept_words, identifier_value, name_words, value_words
from smart_app.sandbox.chart.moments import read_moment, years_between
from smart_app.sandbox.chart.record import form_title


@pytest.mark.parametrize(
    ("carrier", "words"),
    [
        ({"valueQuantity": {"value": 4.8333, "unit": "score"}}, "4.8333 score"),
        ({"valueQuantity": {"value": 8.0, "code": "{score}"}}, "8 {score}"),
        ({"valueQuantity": {"comparator": "<", "value": 5, "unit": "mg"}}, "<5 mg"),
        ({"valueCodeableConcept": {"text": "Positive"}}, "Positive"),
        ({"valueCoding": {"code": "a-little"}}, "a-little"),
        ({"valueBoolean": False}, "no"),
        ({"valueInteger": 3}, "3"),
        ({"status": "final"}, ""),
    ],
)
def test_value_in_words(carrier: dict[str, Any], words: str) -> None:
    """Every kind of value is written as a person would read it."""
    assert value_words(carrier) == words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ({"coding": [{"code": "asked-declined"}]}, "asked, declined to answer"),
        ({"coding": [{"code": "local"}], "text": "Sample lost"}, "sample lost"),
        (None, ""),
    ],
)
def test_absent_reason_in_words(reason: dict[str, Any] | None, words: str) -> None:
    """A missing value is explained in words, in the record's own where the code is not a standard one."""
    assert absent_words({"dataAbsentReason": reason} if reason else {}) == words


def test_names_of_all_shapes() -> None:
    """A name is its text, else its parts, else the resource's id."""
    assert name_words({"name": [{"text": "Dr. A"}]}) == "Dr. A"
    assert name_words({"name": [{"given": ["Ann", "B."], "family": "Cole"}]}) == "Ann B. Cole"
    assert name_words({"name": "A clinic"}) == "A clinic"
    assert name_words({"resourceType": "Patient", "id": "x"}) == "Patient/x"


def test_concepts_of_all_shapes() -> None:
    """A concept is its text, else a display, else a code; nothing stays nothing."""
    assert concept_words({"text": "T", "coding": [{"display": "D"}]}) == "T"
    assert concept_words({"coding": [{"code": "c"}, {"display": "D"}]}) == "D"
    assert concept_words({"coding": [{"code": "c"}]}) == "c"
    assert concept_words(None) == concept_words({"extension": []}) == ""


def test_identifier_of_another_type_is_not_taken() -> None:
    """Only the identifier of the wanted type is shown."""
    driver = {"type": {"coding": [{"code": "DL"}]}, "value": "1"}
    record_number = {"type": {"coding": [{"code": "MR"}]}, "value": "2"}

    assert identifier_value({"identifier": [driver, record_number]}, "MR") == "2"
    assert identifier_value({"identifier": [driver]}, "MR") == ""


@pytest.mark.parametrize(
    ("text", "day", "time"),
    [
        ("2026-11-12T09:48:00-05:00", "Thu 12 Nov 2026", "09:48"),
        ("2026-11-12T14:48:00Z", "Thu 12 Nov 2026", "14:48"),
        ("2026-11-12", "Thu 12 Nov 2026", ""),
        ("2026-11", "2026-11", ""),
        (None, "no date", ""),
    ],
)
def test_moments_in_words(text: str | None, day: str, time: str) -> None:
    """A time is shown as it was written down where it was written; partial dates keep their text."""
    moment = read_moment(text)

    assert (moment.day, moment.time) == (day, time)


def test_moments_sort_by_instant() -> None:
    """Times sort by the instant they mean, not by their text; unknown ones are the oldest."""
    texts = ["2026-11-12T09:00:00-05:00", "2026-11-12T13:30:00Z", "2026-11-12", None]

    assert sorted(texts, key=lambda text: read_moment(text).order) == [None, "2026-11-12", texts[1], texts[0]]


def test_age_counts_full_years() -> None:
    """The age goes up on the birthday."""
    assert years_between(date(2000, 5, 2), date(2026, 5, 1)) == 25
    assert years_between(date(2000, 5, 2), date(2026, 5, 2)) == 26


def test_form_title() -> None:
    """A form is called what the response says it was called, else by the end of its canonical."""
    display = {"url": "http://hl7.org/fhir/StructureDefinition/display", "valueString": "Mood today"}
    canonical = "https://forms.example.invalid/Questionnaire/mood|2.0"

    assert form_title({"questionnaire": canonical, "_questionnaire": {"extension": [display]}}) == "Mood today"
    assert form_title({"questionnaire": canonical, "_questionnaire": {"extension": [{"url": "x"}]}}) == "mood 2.0"
    assert form_title({}) == "Questionnaire"
