"""The clinician's view as a document of the chart: its shape, and by what the same page is known again."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B.documentreference import DocumentReference

from fhir_alliance.records.filed import FiledView, build_filed
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.settings import NoteType

AT = datetime(2026, 11, 12, 10, 42, 7, 500, tzinfo=UTC)
VIEW = FiledView(
    ehr="harbor",
    fhir_base="https://ehr.example/fhir",
    patient=PatientShown(id="thomas-reyes", name="Thomas Reyes", birth_date="1988-03-04", identifiers=()),
    encounter="Encounter/v14",
    therapist="Practitioner/ada-okafor",
    author="Practitioner/ada-okafor",
    launch="launch",
    title="Visit check-in: what the patient rated, by visit",
    first=AT - timedelta(days=91),
    last=AT - timedelta(days=7),
    filed=AT,
    language="en",
    audience_digest="0" * 64,
    instrument_digest="1" * 64,
    pdf=b"%PDF-1.7",
)


def test_it_is_a_labelled_note_of_its_author() -> None:
    """Type, category, period, labels and attachment are as a server of notes wants them (E06, O25)."""
    document = build_filed(VIEW, NoteType(), key=VIEW.key)

    (content,) = document["content"]
    assert DocumentReference.model_validate(document).docStatus == "final"
    assert [each["value"] for each in document["identifier"]] == [VIEW.key]
    assert document["context"] == {
        "encounter": [{"reference": "Encounter/v14", "display": "The visit at which it was filed"}],
        "period": {"start": "2026-08-13T10:42:07+00:00", "end": "2026-11-05T10:42:07+00:00"},
    }
    assert document["date"] == "2026-11-12T10:42:07+00:00"
    assert {each["code"] for each in document["meta"]["security"]} == {"R", "PATAST"}
    assert base64.b64decode(content["attachment"]["data"]) == VIEW.pdf
    assert content["attachment"]["contentType"] == "application/pdf"
    assert "encounter" not in build_filed(replace(VIEW, encounter=None), NoteType(), key=VIEW.key)["context"]


def test_a_page_has_its_key_all_day() -> None:
    """Hour, launch and author are no part of it."""
    later = replace(VIEW, filed=AT + timedelta(hours=9), launch="another", author="Practitioner/ben")

    assert later.key == VIEW.key


@pytest.mark.parametrize(
    "other",
    [
        {"fhir_base": "https://other.example/fhir"},
        {"patient": replace(VIEW.patient, id="maria-lopez")},
        {"filed": AT + timedelta(days=1)},
        {"pdf": b"%PDF-1.7 "},
    ],
)
def test_another_page_has_another_key(other: dict[str, Any]) -> None:
    """Another EHR, patient, day or page is filed for itself."""
    assert replace(VIEW, **other).key != VIEW.key
