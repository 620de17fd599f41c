"""Observations of a response that is not ours, of an instrument without words."""

from pathlib import Path

from fhir_alliance.instruments.catalogue import read_catalogue
from fhir_alliance.records.bundle import collect_scores
from fhir_alliance.records.scored import ScoredResponse
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.scorer import Scorer

WEIGHTED = read_catalogue(Path(__file__).parents[1] / "scoring" / "definitions").instrument("weighted")


def test_notes_say_how_a_score_was_made() -> None:
    """Without words, too, a weighted score says that it is one, over how many items, and that nobody validated it."""
    form = WEIGHTED.forms[0]
    answers = Answers(given=dict.fromkeys("12345", "7"))
    scored = ScoredResponse(
        key="7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c8a10",
        instrument=WEIGHTED,
        form=form,
        language="en",
        subject="Patient/p",
        encounter=None,
        source=None,
        answers=answers,
        declined=False,
        scores=Scorer(form).score(answers),
        authored_text="2026-11-12",
        scored_text="2026-11-12T15:42:08+00:00",
    )

    bundle = collect_scores(scored, response="QuestionnaireResponse/r", status="final")

    notes = [note["text"] for note in bundle["entry"][0]["resource"]["note"]]
    assert notes == [
        "This questionnaire is not validated: it has no norms and no cut-offs.",
        "Weighted mean of the 5 items answered, of 6.",
    ]
