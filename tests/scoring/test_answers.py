"""Answers are checked against the options of the form, and questions nobody was asked are left out."""

import pytest

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers, check_answers


def test_answers_outside_the_options(check_in: Instrument) -> None:
    """An unknown code, a question of another form and a skip of one are each named."""
    answers = Answers(given={"1": "11", "2": "7", "12": "3"}, skipped=frozenset({"9"}))

    with pytest.raises(InvalidAnswers) as raised:
        check_answers(check_in.form(Rater.PATIENT, "core"), answers)

    assert set(raised.value.problems) == {"1", "12", "9"}


@pytest.mark.parametrize(("harder", "kept"), [("no", False), ("a-little", True), ("yes", True), (None, False)])
def test_dependent_question(check_in: Instrument, harder: str | None, kept: bool) -> None:
    """An answer to a question that its condition leaves out is dropped."""
    given = {"talk": "yes", **({"harder": harder} if harder else {})}

    checked = check_answers(check_in.form(Rater.PATIENT, "core"), Answers(given=given))

    assert ("talk" in checked.given) is kept


def test_an_answer_wins_over_a_skip(check_in: Instrument) -> None:
    """An item cannot be answered and skipped."""
    checked = check_answers(
        check_in.form(Rater.PATIENT, "core"), Answers(given={"1": "0"}, skipped=frozenset({"1", "2"}))
    )

    assert checked.skipped == {"2"}
    assert not checked.empty
    assert Answers().empty
