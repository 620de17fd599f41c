"""The sentence about what is due, word for word."""

from datetime import UTC, datetime

import pytest

from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.visits.due import Due, Why
from fhir_alliance.visits.schedule import AskedForm, Rule
from smart_app.web.pages.due import due_sentence

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)


def found(rater: Rater, why: Why, **when: object) -> tuple[Due, str]:
    """Return a form that is due, with its name."""
    form = AskedForm(url=f"https://x/{rater}", instrument="check-in", rater=rater, items=frozenset())
    rule = Rule(form=form, when=Advice(**when))  # type: ignore[arg-type]
    return Due(rule=rule, why=why, number=4, opens=AT, closes=AT), "short form"


@pytest.mark.parametrize(
    ("due", "sentence"),
    [
        ([], "Nothing more is due at this visit."),
        ([found(Rater.PATIENT, Why.VISIT, then_every=1)], "Due at this visit: the short form (each visit)."),
        ([found(Rater.PATIENT, Why.MONTHS, months=1)], "Due at this visit: the short form (each month)."),
        ([found(Rater.PATIENT, Why.MONTHS, months=3)], "Due at this visit: the short form (every 3 months)."),
        (
            [found(Rater.PATIENT, Why.VISIT), found(Rater.THERAPIST, Why.FLAG)],
            (
                "Due at this visit: the short form (planned for visit 4) and your own rating "
                "(an answer before was worth a look)."
            ),
        ),
    ],
)
def test_what_is_due_in_words(due: list[tuple[Due, str]], sentence: str) -> None:
    """Each form is named with why it is due; a rating of the therapist's is the reader's own."""
    assert due_sentence(due) == sentence
