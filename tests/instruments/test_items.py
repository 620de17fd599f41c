"""A question: when it is asked, and what is an answer to it."""

from decimal import Decimal

import pytest

from fhir_alliance.instruments.items import Condition, Item, Kind, Look, Option, Span, Test
from fhir_alliance.instruments.layout import Group, Note, questions

CASES = [
    ("=", "3", {"q": "3"}, True),
    ("=", "3", {"q": "3.0"}, True),
    ("=", "yes", {"q": "no"}, False),
    ("!=", "yes", {"q": "no"}, True),
    ("!=", "yes", {}, False),
    (">", "9", {"q": "10"}, True),
    (">", "9", {"q": "9"}, False),
    ("<", "9", {"q": "8.9"}, True),
    (">=", "9", {"q": "9"}, True),
    ("<=", "9", {"q": "9.1"}, False),
    ("exists", "true", {"q": "x"}, True),
    ("exists", "true", {}, False),
    ("exists", "false", {}, True),
    ("exists", "false", {"q": "x"}, False),
]


@pytest.mark.parametrize(("operator", "value", "given", "holds"), CASES)
def test_operators_of_enable_when(operator: str, value: str, given: dict[str, str], holds: bool) -> None:
    """Each operator compares as FHIR has it: numbers by value, and an unanswered question meets only its absence."""
    assert Test(question="q", operator=operator, value=value).holds(given) is holds


@pytest.mark.parametrize(("every", "asked"), [(True, False), (False, True)])
def test_tests_of_a_condition(every: bool, asked: bool) -> None:
    """A condition joins its tests by all or by any."""
    tests = tuple(Test(question=name, operator="=", value="1") for name in ("a", "b"))
    item = Item(link_id="x", section="", construct="", conditions=(Condition(tests=tests, every=every),))

    assert item.is_asked({"a": "1", "b": "0"}) is asked


def test_every_condition_has_to_hold() -> None:
    """The condition of a question and that of its group both count."""
    own, group = (Condition(tests=(Test(question=name, operator="=", value="1"),)) for name in ("a", "b"))
    item = Item(link_id="x", section="", construct="", conditions=(own, group))

    assert not item.is_asked({"a": "1"})
    assert item.is_asked({"a": "1", "b": "1"})


def test_text_has_a_bound() -> None:
    """A text is an answer up to its longest length, an empty one is none."""
    item = Item(link_id="x", section="", construct="", kind=Kind.TEXT, look=Look.FIELD, longest=5)

    assert [item.accepts(text) for text in ("", "fünf5", "six666")] == [False, True, False]
    assert not item.scored


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("-1", None), ("11", None), ("7.5", None), ("NaN", None)])
def test_whole_numbers(text: str, value: int | None) -> None:
    """A span of whole numbers takes nothing between them."""
    span = Span(minimum=Decimal(0), maximum=Decimal(10), decimals=0)

    assert span.read(text) == value
    assert span.step == 1


def test_a_choice_counts_when_one_of_its_options_does() -> None:
    """A question is scored when any option has a number, and its range is that of those."""
    options = (Option(code="none", value=None), Option(code="2", value=Decimal(2)), Option(code="5", value=Decimal(5)))
    item = Item(link_id="x", section="", construct="", options=options)

    assert (item.scored, item.least, item.most) == (True, 2, 5)


def test_questions_of_a_layout() -> None:
    """Groups within groups give their questions in the order asked, and notes are none."""
    first, second, third = (Item(link_id=name, section="", construct="") for name in "abc")
    inner = Group(link_id="inner", parts=(Note(link_id="hint"), second))

    assert list(questions((first, Group(link_id="outer", parts=(inner, third))))) == [first, second, third]
