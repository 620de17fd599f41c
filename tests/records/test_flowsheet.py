"""Scores as values of flowsheet rows: one coding, one number, a short comment, and nothing that was guessed."""

from collections.abc import Callable

from fhir_alliance.records.flowsheet import build_rows
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import FlowsheetRow

Make = Callable[..., Submission]


def row(score: str) -> FlowsheetRow:
    """Return a row for a score."""
    return FlowsheetRow(score=score, system="urn:oid:2.999.1", code="4711", display="Alliance", unit="score")


def test_a_mapped_score_is_one_value(make_submission: Make) -> None:
    """The Observation has the customer's one coding and category, our identifier, the number and its time."""
    (value,) = build_rows(make_submission(), [row("visit-check-in-core")], category="vital-signs")

    assert value["code"] == {"coding": [{"system": "urn:oid:2.999.1", "code": "4711", "display": "Alliance"}]}
    assert [each["code"] for each in value["category"][0]["coding"]] == ["vital-signs"]
    assert value["valueQuantity"] == {"value": 7, "unit": "score"}
    assert value["effectiveDateTime"] == "2026-11-12T10:42:07-05:00"
    assert value["identifier"][0]["value"].endswith(".visit-check-in-core")
    (note,) = value["note"]
    assert note["text"] == "6 of 6 items answered. Unvalidated. Visit check-in core score, visit-check-in-1.0.0"


def test_what_has_no_row_or_no_number_is_left_out(make_submission: Make) -> None:
    """A score without a row is not filed elsewhere, a score that is not scorable is not filed as a number."""
    unmapped = build_rows(make_submission(), [row("visit-check-in-full")], category="vital-signs")
    unscorable = build_rows(make_submission({"1": "7"}), [row("visit-check-in-core")], category="vital-signs")

    assert (unmapped, unscorable) == ([], [])
