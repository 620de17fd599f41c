"""A visit's scores in words: what stands in a note, what never does, and the page that is printed."""

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B.documentreference import DocumentReference
from pypdf import PdfReader

from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.note import TITLE, NotePart, build_note, join_parts, note_part, note_text
from fhir_alliance.records.note_content import note_content
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import NoteType
from fhir_alliance.trajectory.series import UsualRange

Make = Callable[..., Submission]
CORE = {str(item): "7" for item in range(1, 7)}


def words(submission: Submission, usual: Mapping[str, UsualRange] | None = None) -> str:
    """Return the note of a submission alone."""
    part = note_part(submission, usual or {})
    assert part is not None
    return note_text([part])


def content(submission: Submission) -> list[dict[str, Any]]:
    """Return the attachments of its note."""
    made = note_content(words(submission), title=TITLE, patient=submission.patient, at=submission.authored_text)
    return [each["attachment"] for each in made]


def test_a_note_says_what_was_rated(make_submission: Make) -> None:
    """Title, version, time, limits, score with its scale and the number of items answered stand there in words."""
    text = words(make_submission())

    assert "Visit check-in, version 1.0.0\nAnswered on 12 November 2026 at 10:42 (UTC-05:00).\nUnvalidated: " in text
    assert "Visit check-in core score: 7 on a scale from 0 to 10. 6 of 6 items answered.\n" in text


def test_a_note_tells_the_usual_range(make_submission: Make) -> None:
    """Where there is a usual range of the earlier ratings, the score stands beside it."""
    usual = UsualRange(low=Decimal("7.21"), high=Decimal("8.6"), first_visit=1, last_visit=5)

    text = words(make_submission(), {"visit-check-in-core": usual})

    assert "6 of 6 items answered. Usual range of this person's own first 5 ratings: 7.2 to 8.6.\n" in text


def test_what_is_not_scorable_says_why(make_submission: Make) -> None:
    """A score that too few answers give is named with the reason, and never a number."""
    text = words(make_submission({"1": "7"}))

    assert "core score: no score. 1 of 6 items answered. Not scorable: items were left blank." in text


def test_no_answer_and_no_reason_is_in_a_note(make_submission: Make) -> None:
    """Whatever was answered to single items, and to the closing questions, leaves no word behind."""
    scored = {"1": "8", "2": "6", "3": "7", "4": "7", "5": "7", "6": "7"}
    told = {**scored, "harder": "a-lot", "talk": "yes"}

    assert words(make_submission(told)) == words(make_submission(scored)) == words(make_submission(CORE))


@pytest.mark.parametrize("fields", [{"rater": Rater.THERAPIST}, {"given": {}, "declined": True}])
def test_some_forms_are_never_noted(make_submission: Make, fields: dict[str, Any]) -> None:
    """Nothing is written of the therapist's own rating, nor of somebody who did not answer."""
    assert note_part(make_submission(**fields), {}) is None


def test_of_two_ratings_at_one_visit_the_later_counts(make_submission: Make) -> None:
    """Joined, each score stands once; a part that has no score left is gone."""
    first, again = note_part(make_submission(), {}), note_part(make_submission({**CORE, "1": "1"}), {})
    other = NotePart(title="Other", answered="2026-11-12T10:50:00-05:00", limits=(), scores={"other": "Other: 3."})
    assert first is not None
    assert again is not None

    joined = join_parts([first, other, again])

    assert joined == (other, again)


def test_a_note_is_a_labelled_document_of_the_visit(make_submission: Make) -> None:
    """Type, category, references, period, labels and content are as a server of notes wants them (E06, O25)."""
    submission = make_submission()

    note = build_note(submission, NoteType())

    whole = {**note, "content": [{"attachment": each} for each in content(submission)]}
    assert DocumentReference.model_validate(whole).status == "current"
    assert note["type"]["coding"][0]["code"] == "11506-3"
    assert note["category"][0]["coding"][0]["code"] == "clinical-note"
    assert note["author"] == [{"reference": "Patient/maria-lopez", "display": "Maria Lopez"}]
    assert note["context"]["encounter"][0]["reference"] == "Encounter/maria-lopez-v14"
    assert note["context"]["period"]["end"] == "2026-11-12T10:42:07-05:00"
    assert {each["code"] for each in note["meta"]["security"]} == {"R", "PATAST"}
    assert [each["code"] for each in note["meta"]["tag"]] == ["patient-supplied"]


def test_a_note_without_a_visit_names_none(make_submission: Make) -> None:
    """Somebody else's name is not guessed, and an encounter that nobody knows is left out."""
    note = build_note(make_submission(encounter=None, author="RelatedPerson/r1"), NoteType())

    assert "encounter" not in note["context"]
    assert note["author"] == [{"reference": "RelatedPerson/r1"}]


def test_the_page_says_what_the_text_says(make_submission: Make) -> None:
    """The PDF has the patient above the very words of the text, and the same note gives the same bytes."""
    plain, page = content(make_submission())

    pdf = base64.b64decode(page["data"])
    shown = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    text = " ".join(base64.b64decode(plain["data"]).decode().split())
    assert shown == f"Maria Lopez, born 1988-03-04, record number MRN-4821 {text}"
    assert content(make_submission())[1] == page
    assert page["contentType"] == "application/pdf"


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Łukasz Ångström", True),
        ("Ελένη Παπαδοπούλου", True),
        ("Борис Ельцин", True),
        ("Jose\u0301 A\u0301lvarez", True),
        ("王小明", False),
        ("فاطمة", False),
        ("प्रिया", False),
        ("x\u0301y", False),
        ("🙂", False),
    ],
)
def test_a_name_is_printed_right_or_not_at_all(make_submission: Make, name: str, printed: bool) -> None:
    """A script that the page cannot print leaves the text alone: no boxes, no letters in the wrong order."""
    submission = make_submission()
    found = content(replace(submission, patient=replace(submission.patient, name=name, identifiers=())))

    assert [each["contentType"] for each in found][1:] == (["application/pdf"] if printed else [])
