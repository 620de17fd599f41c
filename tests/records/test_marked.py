"""A test entry is told from a patient's by words and label, and stays a resource that an EHR can take."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from fhir_alliance.delivery.ladder import way_into
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.checks import check_bundle, check_shape
from fhir_alliance.records.flowsheet import LONGEST_NOTE
from fhir_alliance.records.marked import is_marked, marked_bundle, marked_pieces
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import FlowsheetRow, Rung, WriteSettings

KEY = "7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10"
ROW = FlowsheetRow(score="visit-check-in-core", system="urn:oid:2.999.1", code="1", display="Core", unit="score")
Make = Callable[..., Submission]


def pieces(submission: Submission, **write: Any) -> Any:
    """Return what a lesser rung writes, marked."""
    way = way_into(submission, WriteSettings(**write), now=datetime(2026, 11, 12, tzinfo=UTC))
    return marked_pieces(orjson.loads(way.pieces or b"null"), KEY)


def test_the_whole_bundle(make_submission: Make) -> None:
    """Response, scores and panel say first that they are a test, keep what they said, and are valid FHIR."""
    bundle = write_bundle(make_submission())

    marked = marked_bundle(bundle, KEY)

    check_bundle(marked)
    check_shape(marked)
    resources = [each["resource"] for each in marked["entry"]]
    response, *observations = resources
    assert [each["resourceType"] for each in resources] == ["QuestionnaireResponse", "Observation", "Observation"]
    assert all(each["meta"]["security"][-1]["code"] == "HTEST" for each in resources)
    assert all(each["meta"]["security"][0]["code"] == "R" for each in resources)
    assert "TEST ENTRY" in response["text"]["div"]
    assert all(each["note"][0]["text"].startswith("TEST ENTRY") and len(each["note"]) > 1 for each in observations)
    assert not any("HTEST" in str(each) for each in bundle["entry"])


def test_a_flowsheet_row(make_submission: Make) -> None:
    """The one comment that a row has room for says it first, and is cut at the longest."""
    (row,) = pieces(make_submission(), rung=Rung.FLOWSHEET, category="vital-signs", rows=(ROW,))

    (note,) = row["note"]
    assert note["text"].startswith("TEST ENTRY")
    assert "6 of 6 items" in note["text"]
    assert len(note["text"]) <= LONGEST_NOTE


def test_a_note(make_submission: Make) -> None:
    """The note says it where notes are listed, and in its text before any score."""
    found = pieces(make_submission(), rung=Rung.NOTE)

    assert found["note"]["description"].startswith("TEST ENTRY")
    assert found["part"]["limits"][0].startswith("TEST ENTRY")
    assert found["part"]["scores"]


@pytest.mark.parametrize(
    ("value", "own"),
    [
        ({"identifier": [{"value": f"{KEY}.visit-check-in"}]}, True),
        ({"note": [{"text": f"TEST ENTRY. Key {KEY}."}]}, True),
        ({"note": [{"text": "TEST ENTRY. Key 1."}], "n": 7, "m": None}, False),
        ([], False),
    ],
)
def test_what_bears_the_mark(value: Any, own: bool) -> None:
    """The key tells one test entry from another, and from everything else."""
    assert is_marked(value, KEY) is own
