"""A visit's scores in words, as one note: no answers, no reasons to look, and never the therapist's own rating."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.codes import (
    PATIENT_ASSERTED,
    PATIENT_SUPPLIED,
    RESTRICTED,
    JsonObject,
    concept,
    reference,
)
from fhir_alliance.records.observations import build_panel, build_scores
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.scorer import Score
from fhir_alliance.settings import NoteType
from fhir_alliance.terms import NOTE_IDENTIFIER, US_CORE_NOTES
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.series import UsualRange

TITLE = "What the patient rated"
_CLOSING = "The single answers are not part of this note."


@dataclass(frozen=True, kw_only=True)
class NotePart:
    """What one form adds to a visit's note: `scores` are sentences by score code, `answered` a FHIR dateTime."""

    title: str
    answered: str
    limits: tuple[str, ...]
    scores: Mapping[str, str]


def note_part(submission: Submission, usual: Mapping[str, UsualRange]) -> NotePart | None:
    """Return what a form adds to the note of its visit, None when no note may or need say anything.

    That is so for the therapist's own rating, for a form that was declined (whoever does not answer is not written
    about) and for one without scores. `usual` has, by score code, the person's own usual range where there is one.
    """
    if submission.form.rater is Rater.THERAPIST or submission.declined or not submission.scores:
        return None
    instrument, words = submission.instrument, submission.instrument.wordings.get(submission.language)
    limits = _said(build_panel(submission, response="", members=[]))
    codes = [instrument.code(submission.form.rater, score.scale.name) for score in submission.scores]
    scored = zip(codes, submission.scores, build_scores(submission, response=""), strict=True)
    return NotePart(
        title=f"{words.title if words else instrument.title}, version {instrument.version}",
        answered=submission.authored_text,
        limits=limits,
        scores={
            code: " ".join(
                [
                    f"{instrument.display(submission.form.rater, score.scale.name, submission.language)}:",
                    _value(score),
                    f"{score.answered} of {len(score.scale.items)} items answered.",
                    *(said for said in _said(observation) if said not in limits),
                    _usual(usual.get(code)),
                ]
            ).strip()
            for code, score, observation in scored
        },
    )


def join_parts(parts: Sequence[NotePart]) -> tuple[NotePart, ...]:
    """Return the parts of one visit, oldest first, each score only once: of two the later counts."""
    last = {code: index for index, part in enumerate(parts) for code in part.scores}
    joined = (
        NotePart(
            title=part.title,
            answered=part.answered,
            limits=part.limits,
            scores={code: said for code, said in part.scores.items() if last[code] == index},
        )
        for index, part in enumerate(parts)
    )
    return tuple(part for part in joined if part.scores)


def note_text(parts: Sequence[NotePart]) -> str:
    """Return the words of a note."""
    paragraphs = (
        "\n".join([part.title, f"Answered on {_when(part.answered)}.", *part.limits, *part.scores.values()])
        for part in parts
    )
    return "\n\n".join([TITLE, *paragraphs, _CLOSING]) + "\n"


def build_note(submission: Submission, note_type: NoteType) -> JsonObject:
    """Return the DocumentReference of a submission's visit without its content, which later forms add to (E06, O25)."""
    when = submission.authored_text
    name = submission.patient.name if submission.author == submission.subject else ""
    visit = reference(submission.encounter, "The visit that was rated") if submission.encounter else None
    return {
        "resourceType": "DocumentReference",
        "meta": {"security": [RESTRICTED, PATIENT_ASSERTED], "tag": [PATIENT_SUPPLIED]},
        "identifier": [{"system": NOTE_IDENTIFIER, "value": submission.key}],
        "status": "current",
        "docStatus": "final",
        "type": concept(note_type.system, note_type.code, note_type.display),
        "category": [concept(US_CORE_NOTES, "clinical-note", "Clinical Note")],
        "subject": reference(submission.subject),
        "date": when,
        "author": [reference(submission.author, name)],
        "securityLabel": [{"coding": [RESTRICTED]}],
        "context": {**({"encounter": [visit]} if visit else {}), "period": {"start": when, "end": when}},
    }


def _said(observation: JsonObject) -> tuple[str, ...]:
    return tuple(note["text"] for note in observation.get("note", ()))


def _value(score: Score) -> str:
    if score.value is None:
        return "no score."
    span = f" on a scale from {_short(score.scale.minimum)} to {_short(score.scale.maximum)}"
    return f"{_short(score.value)}{span if score.scale.has_range else ''}."


def _short(value: Decimal) -> str:
    """Return a score as a screen shows it, a whole one without a decimal."""
    return one_decimal(value).removesuffix(".0")


def _usual(usual: UsualRange | None) -> str:
    if usual is None:
        return ""
    span = f"{one_decimal(usual.low)} to {one_decimal(usual.high)}"
    return f"Usual range of this person's own first {usual.last_visit} ratings: {span}."


def _when(answered: str) -> str:
    at = datetime.fromisoformat(answered)
    return f"{at.day} {at:%B} {at.year} at {at:%H:%M} ({at.tzname()})"
