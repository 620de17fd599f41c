"""Expressions that are not allowed are refused with the reason, and none can run without end (T60)."""

import pytest

from fhir_alliance.fhirpath.evaluator import MAX_STEPS, Evaluator, OutOfSteps, Steps
from fhir_alliance.fhirpath.parser import parse
from fhir_alliance.fhirpath.syntax import FUNCTIONS
from fhir_alliance.fhirpath.tokens import ExpressionError

ITEMS = {"item": [{"linkId": str(number), "item": [{"linkId": f"{number}.1"}]} for number in range(200)]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ends too early"),
        ("1 +", "ends too early"),
        ("1 2", "'2' at 3 is not expected"),
        ("(1", "expected '\\)'"),
        ("{1", "expected '}'"),
        ("iif(true, 1", "expected ','"),
        ("%resource..item", "'.' at 11"),
        ("%resource.1", "'1' at 11"),
        ("1 * / 2", "'/' at 5"),
        ("'open", '"\'" at 1'),
        ("/* open", "'/' at 1"),
        ("@2020-01-01", "'@' at 1"),
        ("4 'mg'", "'mg' at 3"),
        ("4 days", "'days' at 3"),
        ("'\\q'", "no escape"),
        ("item.linkId", "write %resource"),
        ("now()", "write %resource"),
        ("$this", "outside"),
        ("%patient.name", "%patient at 1 is not known here; known are %resource"),
        ("%resource.trace('x')", "trace\\(\\) at 11 is not available"),
        ("%resource.item.resolve()", "resolve"),
        ("%resource.item.answer.value.memberOf('x')", "memberOf"),
        ("%resource.conformsTo('x')", "conformsTo"),
        ("%resource.item.answer.value ~ 1", "'~'"),
        ("%resource.where()", "0 arguments"),
        ("%resource.count(1)", "1 arguments"),
        ("%resource is Patient", "the type 'Patient'"),
        ("%resource.ofType(5)", "the type '5'"),
        ("%resource.linkId.matches(%resource.linkId)", "written out"),
        ("%resource.linkId.matches(5)", "written out"),
        ("%resource.linkId.matches({})", "written out"),
    ],
)
def test_refused_with_the_reason(text: str, reason: str) -> None:
    """What does not parse, reaches outside, or has no meaning here is refused, and where."""
    with pytest.raises(ExpressionError, match=reason):
        parse(text, {"resource"})


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|a)(a|a)", "a*b*", "(a)\\\\1", "(?=a)", "(a){9}", "a*?", "[a", "[[a]]", "[a--b]", "^a*|b*", "^a+b+c?"],
)
def test_slow_patterns(pattern: str) -> None:
    """A pattern that some text could make slow is refused, and so is one that is none."""
    with pytest.raises(ExpressionError, match="pattern"):
        parse(f"'a'.matches('{pattern}')", ())


@pytest.mark.parametrize("pattern", ["^(1|2|12)$", "^q[0-9]+\\\\.[^a-c]+$", "(?:a|b)x*", "item-[0-9]{1,3}", "\\\\bq"])
def test_plain_patterns(pattern: str) -> None:
    """The patterns that scores need are allowed."""
    parse(f"'a'.matches('{pattern}')", ())


def test_broken_pattern() -> None:
    """What has the form of a safe pattern and is no regular expression is refused as such."""
    with pytest.raises(ExpressionError, match="not a regular expression"):
        parse("'a'.matches('(a')", ())


@pytest.mark.parametrize(
    "text",
    [
        "(" * 8_000,
        "iif(true, " * 400 + "1",
        "-(" * 999,
        "%resource" + ".where(true" * 600,
        "1" + " + 1" * 2_000,
        "'" * 8_000,
        "/*" * 4_000,
        "%resource.item.matches('" + "[a" * 3_000 + "')",
        "%resource" + ".item" * 20_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text(text: str) -> None:
    """Text of any length and depth is refused, whether it would parse or not."""
    with pytest.raises(ExpressionError):
        parse(text, {"resource"})


def test_long_sums_and_deep_tables() -> None:
    """A sum of hundreds of terms, and a conversion table of sixty nested conditions, are as good as short ones."""
    table = "".join(f"iif(%raw = {raw}, {raw * 2}, " for raw in range(30)) + "{}" + ")" * 30
    terms = " + ".join(["%raw"] * 500)

    results = [Evaluator(lambda _: [29], Steps()).evaluate(parse(each, {"raw"}).root) for each in (table, terms)]

    assert results == [[58], [14500]]


@pytest.mark.parametrize(
    "text",
    [
        "(1).repeat($this + 1)",
        "(1).repeat($this | $this + 1).count()",
        "%resource.descendants().where(%resource.descendants().where(%resource.descendants().exists()).exists())",
        "%resource.repeat(item).select(%resource.repeat(item).select(%resource.repeat(item).linkId))",
        "%resource.descendants() | %resource.descendants()",
        "%resource.repeat(item).linkId.distinct().count()",
        "%resource.repeat(item).aggregate($total.combine($total), 1).count()",
        "%resource.repeat(item).select(linkId.matches('" + "(" + "|".join(["aaaa"] * 900) + ")'))",
    ],
)
def test_nothing_runs_without_end(text: str) -> None:
    """An expression that would take long stops when its steps are used up, and stays stopped."""
    steps = Steps()
    expression = parse(text, {"resource"})
    evaluator = Evaluator(lambda _: [ITEMS], steps)

    with pytest.raises(OutOfSteps):
        evaluator.evaluate(expression.root)
    with pytest.raises(OutOfSteps):
        evaluator.evaluate(parse("1", ()).root)


def test_usual_score_takes_few_steps() -> None:
    """The score of two hundred items takes a fraction of the steps there are."""
    pattern = "|".join(str(number) for number in range(200))
    text = f"%resource.repeat(item).where(linkId.matches('^({pattern})$')).answer.value.weight().sum()"
    steps = Steps()

    Evaluator(lambda _: [ITEMS], steps).evaluate(parse(text, {"resource"}).root)

    assert MAX_STEPS - steps.left < MAX_STEPS / 4


def test_each_function_has_its_meaning() -> None:
    """Every function that may be called is one the evaluator knows."""
    calls = {name: ", ".join(["1"] * takes.least) for name, takes in FUNCTIONS.items() if name != "matches"}

    for name, arguments in calls.items():
        expression = parse(f"%none.{name}({arguments})", {"none"})
        Evaluator(lambda _: [], Steps()).evaluate(expression.root)


@pytest.mark.parametrize("text", ["{}", "%resource.nothing", "%resource.item.where({})"])
def test_each_step_costs(text: str) -> None:
    """Also a step that finds nothing costs, and one that looks at many values costs more."""
    steps = Steps()

    Evaluator(lambda _: [ITEMS], steps).evaluate(parse(text, {"resource"}).root)

    assert MAX_STEPS - steps.left > len(text.split(".")) - 1 + (200 if "item" in text else 0)
