"""Answers are checked against the options of the form, and questions nobody was asked are left out."""

import pytest

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Condition, Item, Option, Test
from fhir_alliance.instruments.layout import Group
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


def question(name: str, *tests: Test) -> Item:
    """Return a question with two answers that depends on others."""
    options = tuple(Option(code=code, value=None) for code in ("no", "yes"))
    conditions = (Condition(tests=tests, every=True),) if tests else ()
    return Item(link_id=name, section="", construct="", options=options, conditions=conditions)


@pytest.mark.parametrize(("first", "kept"), [("yes", {"a", "b", "c"}), ("no", {"a", "d"}), (None, {"d"})])
def test_a_chain_of_dependent_questions(first: str | None, kept: set[str]) -> None:
    """What was not asked opens nothing further down, and its absence counts as absence; the order does not matter."""
    parts = (
        question("d", Test(question="b", operator="exists", value="false")),
        question("c", Test(question="b", operator="=", value="yes")),
        question(
            "b", Test(question="a", operator="=", value="yes"), Test(question="away", operator="exists", value="false")
        ),
        question("a"),
    )
    form = Form(
        instrument_name="x",
        version="1.0.0",
        rater=Rater.PATIENT,
        form="all",
        layout=(Group(link_id="g", parts=parts),),
        scales=(),
        own_url="https://clinic.example.invalid/Questionnaire/x",
    )
    given = {"b": "yes", "c": "yes", "d": "yes"} | ({"a": first} if first else {})

    checked = check_answers(form, Answers(given=given))

    assert checked.given.keys() == kept
    assert form.canonical == "https://clinic.example.invalid/Questionnaire/x|1.0.0"


def test_an_answer_wins_over_a_skip(check_in: Instrument) -> None:
    """An item cannot be answered and skipped."""
    checked = check_answers(
        check_in.form(Rater.PATIENT, "core"), Answers(given={"1": "0"}, skipped=frozenset({"1", "2"}))
    )

    assert checked.skipped == {"2"}
    assert not checked.empty
    assert Answers().empty
