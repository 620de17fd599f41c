"""To every engine, zero, no answer, and not asked are different things: 0, no score, and no such score."""

from decimal import Decimal

import orjson
import pytest

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.scoring.scorer import Scorer

from .engines import INVENTED, as_response, from_columns, published_scores

ZEROS = {str(item): "0" for item in range(1, 7)}
BLANK = {"1": "0", "2": "0"}


def test_scorer(check_in: Instrument) -> None:
    """Zeros are answers and score 0; skipped and blank items are not answered; a core form has no full score."""
    scorer = Scorer(check_in.form(Rater.PATIENT, "core"))

    zeros, skipped = scorer.score(Answers(given=ZEROS)), scorer.score(Answers(given=BLANK, skipped=frozenset("3456")))

    assert [(score.scale.name, score.value, score.answered) for score in zeros] == [("core", 0, 6)]
    assert [(score.scale.name, score.value, score.answered) for score in skipped] == [("core", None, 2)]
    assert scorer.score(Answers(given=BLANK)) == skipped


def test_scorer_from_a_response(check_in: Instrument) -> None:
    """An item without an answer and an item that is not there both count nothing, and zero counts."""
    form = check_in.form(Rater.PATIENT, "core")
    blank = as_response(form, BLANK)
    absent = {"item": [item for item in blank["item"] if "answer" in item]}
    scorer = Scorer(form)

    zeros, *others = (scorer.score_response(orjson.dumps(each)) for each in (as_response(form, ZEROS), blank, absent))

    assert [(score.value, score.answered) for score in zeros] == [(0, 6)]
    assert {(score.value, score.answered) for each in others for score in each} == {(None, 2)}


def test_published_expressions(check_in: Instrument) -> None:
    """What a form filler computes is 0 for zeros and empty for blanks; a core form has no item for the full score."""
    form = check_in.form(Rater.PATIENT, "core")
    items = build_questionnaire(check_in, form)["item"]

    assert [item["linkId"] for item in items if item["linkId"].startswith("score-")] == ["score-core"]
    assert published_scores(check_in, form, as_response(form, ZEROS)) == [[Decimal(0)]]
    assert published_scores(check_in, form, as_response(form, BLANK)) == [[]]


def test_columns(check_in: Instrument) -> None:
    """In a table zeros score 0 and blanks NULL; a core form has no column for the full score."""
    rows = from_columns(check_in, check_in.form(Rater.PATIENT, "core"), [ZEROS, BLANK, {}])

    assert rows == [{"core": Decimal(0)}, {"core": None}, {"core": None}]


def test_columns_leave_foreign_answers_out() -> None:
    """A code that is none of the options counts neither in the total nor in the weights."""
    instrument = INVENTED.instrument("weighted")
    form = instrument.forms[0]

    foreign, without = from_columns(instrument, form, [{"1": "11", "3": "4", "6": "x"}, {"3": "4"}])

    assert foreign == without
    assert foreign["weighted-mean"] == 4


@pytest.mark.parametrize(("harder", "kept"), [("no", frozenset("2")), ("yes", frozenset({"2", "talk"}))])
def test_a_question_not_asked_is_not_skipped(check_in: Instrument, harder: str, kept: frozenset[str]) -> None:
    """A skip of a question that its condition leaves out is dropped with it."""
    sent = Answers(given={"harder": harder}, skipped=frozenset({"2", "talk"}))

    assert check_answers(check_in.form(Rater.PATIENT, "core"), sent).skipped == kept
