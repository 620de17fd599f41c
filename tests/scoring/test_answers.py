"""Answers are checked against the options of the form, and questions nobody was asked are left out."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Condition, Item, Kind, Option, Span, Test
from fhir_alliance.instruments.layout import Group
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers, check_answers

WHOLE = Span(minimum=Decimal(0), maximum=Decimal(10), decimals=2)
SPAN = Item(link_id="x", section="", construct="", kind=Kind.DECIMAL, span=WHOLE)


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


@pytest.mark.parametrize(
    ("item", "answer", "sentence"),
    [
        (SPAN, "10.5", "Please give a number from 0 to 10, with at most 2 decimals."),
        (replace(SPAN, span=replace(WHOLE, decimals=0)), "x", "Please give a number from 0 to 10."),
        (
            replace(SPAN, kind=Kind.TEXT, span=None, longest=3),
            "four",
            "Please write at most 3 characters.",
        ),
    ],
)
def test_what_an_answer_can_be_is_said(item: Item, answer: str, sentence: str) -> None:
    """A number or a text that is none of the possible ones is refused with what is possible."""
    with pytest.raises(InvalidAnswers) as raised:
        check_answers(form_of(item), Answers(given={"x": answer}))

    assert raised.value.problems == {"x": sentence}


def test_a_question_that_needs_an_answer() -> None:
    """It is asked for again, skipped or not, unless its condition leaves it out."""
    needed = replace(question("b", Test(question="a", operator="=", value="yes")), required=True)
    form = form_of(question("a"), needed)

    with pytest.raises(InvalidAnswers) as raised:
        check_answers(form, Answers(given={"a": "yes"}, skipped=frozenset({"b"})))

    assert raised.value.problems.keys() == {"b"}
    assert check_answers(form, Answers(given={"a": "no"})).given == {"a": "no"}
    assert check_answers(form, Answers(given={"a": "yes", "b": "no"})).given == {"a": "yes", "b": "no"}


def form_of(*parts: Item) -> Form:
    """Return a form of some clinic's own that asks these questions."""
    return Form(
        instrument_name="x",
        version="1.0.0",
        rater=Rater.PATIENT,
        form="all",
        layout=(Group(link_id="g", parts=parts),),
        scales=(),
        own_url="https://clinic.example.invalid/Questionnaire/x",
    )


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
    form = form_of(*parts)
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
