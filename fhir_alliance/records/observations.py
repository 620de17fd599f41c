"""A submission's scores as US Core Screening Assessment Observations: a panel without a value, a member per scale."""

from collections.abc import Iterator

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.codes import (
    CATEGORIES,
    ITEMS_ANSWERED,
    PATIENT_SUPPLIED,
    RESTRICTED,
    SURVEY,
    JsonObject,
    concept,
    method,
    quantity,
    reference,
    score_code,
)
from fhir_alliance.records.scored import ScoredForm
from fhir_alliance.scoring.scorer import Score
from fhir_alliance.terms import (
    ALLIANCE_PANEL,
    ALLIANCE_SCORE,
    DATA_ABSENT_REASON,
    OBSERVATION_IDENTIFIER,
    US_CORE_SCREENING,
)

_ABSENT = {
    "asked-declined": ("Asked But Declined", "Not scorable: the items were skipped on purpose."),
    "unknown": ("Unknown", "Not scorable: items were left blank."),
    "error": ("Error", "Not scored: the score could not be computed from these answers."),
}
# A form's own expression decides when there is a score.
_NO_SCORE = "The form gives no score for these answers."

_DRAFT = "Draft: the rules of this score are not verified."
# Said where no words that are installed say it.
_UNVALIDATED = "This questionnaire is not validated: it has no norms and no cut-offs."
# What is published of a questionnaire may deny what a clinic has learned since.
_MEASURED_HERE = "As published: “{said}” Reliable change here: the clinic's own figures, from {people} people."


def build_scores(submission: ScoredForm, *, response: str) -> Iterator[JsonObject]:
    """Yield one Observation per scale; `response` is the reference that the scores derive from."""
    shared, caveat = _shared(submission, response), _caveat(submission)
    for score in submission.scores:
        yield {
            **shared,
            **_named(submission, score.scale.name),
            **_value(submission, score, caveat),
            "component": [
                {
                    "code": ITEMS_ANSWERED,
                    "valueQuantity": quantity(score.answered, "items"),
                }
            ],
        }


def build_panel(submission: ScoredForm, *, response: str, members: list[str]) -> JsonObject:
    """Return the panel Observation, which has members and no value of its own; the rater performed it."""
    return {
        **_shared(submission, response),
        **_named(submission, ""),
        **({"performer": [reference(submission.source)]} if submission.source else {}),
        "hasMember": [reference(member) for member in members],
        **_notes(_caveat(submission)),
    }


def observation_identifier(submission: ScoredForm, scale: str = "") -> str:
    """Return the value of the identifier by which we find our own work again."""
    return f"{submission.key}.{submission.instrument.code(submission.form.rater, scale)}"


def _named(submission: ScoredForm, scale: str) -> JsonObject:
    """Return what tells one of a submission's Observations from the others."""
    instrument, rater = submission.instrument, submission.form.rater
    return {
        "meta": {
            "profile": [US_CORE_SCREENING, *_profiles(instrument, scale)],
            "security": [RESTRICTED],
            **({"tag": [PATIENT_SUPPLIED]} if rater is Rater.PATIENT else {}),
        },
        "identifier": [{"system": OBSERVATION_IDENTIFIER, "value": observation_identifier(submission, scale)}],
        "code": score_code(instrument, rater, scale),
    }


def _shared(submission: ScoredForm, response: str) -> JsonObject:
    """Return what all Observations of a submission have in common."""
    instrument = submission.instrument
    words = instrument.wordings.get(submission.language)
    title = words.title if words else instrument.title
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [SURVEY] if instrument.own else CATEGORIES,
        "subject": reference(submission.subject),
        **({"encounter": reference(submission.encounter)} if submission.encounter else {}),
        "effectiveDateTime": submission.authored_text,
        "issued": submission.scored_text,
        "method": method(instrument, f"{title} {instrument.version}"),
        "derivedFrom": [reference(response)],
    }


def _value(submission: ScoredForm, score: Score, caveat: list[JsonObject]) -> JsonObject:
    if score.scale.calculation:
        return _calculated(submission, score, caveat)
    total = len(score.scale.items)
    if score.value is not None:
        prorated = [_prorated(score, total)] if score.answered < total else []
        return {"valueQuantity": quantity(score.value, "score"), **_notes(caveat + prorated)}
    reason = _absent_reason(submission, score)
    display, sentence = _ABSENT[reason]
    needed = f"{sentence} {score.answered} of {total} answered, at least {score.scale.min_answered} needed."
    return {"dataAbsentReason": concept(DATA_ABSENT_REASON, reason, display), **_notes([*caveat, {"text": needed}])}


def _prorated(score: Score, total: int) -> JsonObject:
    method = f"weighted {score.scale.method}" if score.scale.weighted else score.scale.method
    return {"text": f"{method.capitalize()} of the {score.answered} items answered, of {total}."}


def _calculated(submission: ScoredForm, score: Score, caveat: list[JsonObject]) -> JsonObject:
    """Return the score of a site's own form, or why there is none (O05)."""
    if score.value is not None:
        return {"valueQuantity": quantity(score.value, "score"), **_notes(caveat)}
    reason = "error" if score.failed else _absent_reason(submission, score)
    display, sentence = _ABSENT[reason]
    if score.answered == len(score.scale.items) and not score.failed:
        sentence = _NO_SCORE
    return {"dataAbsentReason": concept(DATA_ABSENT_REASON, reason, display), **_notes([*caveat, {"text": sentence}])}


def _profiles(instrument: Instrument, scale: str) -> tuple[str, ...]:
    """Return our own profiles, which bind our own codes."""
    return (ALLIANCE_SCORE if scale else ALLIANCE_PANEL,) if instrument.profiled else ()


def _absent_reason(submission: ScoredForm, score: Score) -> str:
    missing = set(score.scale.items) - submission.answers.given.keys()
    declined = submission.declined or (missing and missing <= submission.answers.skipped)
    return "asked-declined" if declined else "unknown"


def _caveat(submission: ScoredForm) -> list[JsonObject]:
    """Return what limits a score: that nobody has verified its rules (a draft), or validated the instrument."""
    instrument = submission.instrument
    notes: list[JsonObject] = []
    if instrument.status == "draft":
        notes.append({"text": _DRAFT})
    if not instrument.validated:
        words = instrument.wordings.get(submission.language)
        said = (words.caveat if words else "") or _UNVALIDATED
        here = instrument.measured_here
        notes.append({"text": _MEASURED_HERE.format(said=said, people=here.people) if here else said})
    return notes


def _notes(notes: list[JsonObject]) -> JsonObject:
    return {"note": notes} if notes else {}
