"""The scores of a site's form: hidden items with an expression, and the variables that expressions share."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhir_alliance.fhirpath.parser import parse
from fhir_alliance.fhirpath.syntax import Expression
from fhir_alliance.fhirpath.tokens import ExpressionError
from fhir_alliance.instruments.own import Calculation, OwnCode, Variable
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.sdc.elements import CALCULATED, LEAST, MOST, PLACES, VARIABLE, Element
from fhir_alliance.terms import CANONICAL_BASE

# What an expression may start from; `context` is the item of the response that the expression stands in.
VARIABLES = ("resource", "context", "questionnaire")
MAX_PLACES = 4


def read_code(place: Element, title: str) -> OwnCode:
    """Return the code that names an Observation, the first that has a system (spec O30), with faults noted."""
    for coding in place.children("code"):
        system, code = coding.text("system"), coding.text("code")
        if system.startswith(CANONICAL_BASE):
            coding.fault("is of a code system of FHIR Alliance: use one of your own", "system")
        if system and code:
            return OwnCode(system=system, code=code, display=coding.text("display") or title or code)
    what = "score" if place.link_id else "form"
    place.fault(f"needs a code with a system: it names the Observation of the {what} in the chart", "code")
    return OwnCode(system="", code="", display="")


def read_variables(place: Element, scope: tuple[str, ...], known: Collection[str]) -> Iterator[Variable]:
    """Yield the variables of an item, or of the whole form; each may use those before it and around it."""
    seen = set(known)
    for each in place.extensions(VARIABLE):
        written = each.json.get("valueExpression", {})
        name = str(written.get("name", ""))
        if not name or name in VARIABLES:
            each.fault(f"{name!r} cannot be the name of a variable")
        expression = read_expression(each, written, seen)
        if expression:
            yield Variable(name=name, link_id=place.link_id, expression=expression, scope=scope)
        seen.add(name)


def read_scale(item: Element, scope: tuple[str, ...], known: Collection[str], counted: tuple[str, ...]) -> Scale | None:
    """Return the score of a hidden item; `counted` are the questions that have numbers."""
    whole = item.text("type") == "integer"
    if not whole and item.text("type") != "decimal":
        item.fault("is calculated, but neither decimal nor integer", "type")
    if not item.hidden:
        item.fault("is calculated and not hidden: nobody is shown a score while answering (questionnaire-hidden)")
    if item.json.get("enableWhen"):
        item.fault("is calculated and has a condition: write the condition into its expression", "enableWhen")
    places = 0 if whole else item.whole(PLACES, MAX_PLACES)
    if not 0 <= places <= MAX_PLACES:
        item.fault(f"a score has at most {MAX_PLACES} decimal places")
    low, high = item.number(LEAST), item.number(MOST)
    if (low is None) != (high is None) or (low is not None and high is not None and low >= high):
        item.fault("needs both minValue and maxValue, the smaller first, or neither")
    [calculated, *more] = item.extensions(CALCULATED)
    if more:
        item.fault("has two calculatedExpression")
    expression = read_expression(calculated, calculated.json.get("valueExpression", {}), known)
    if expression is None:
        return None
    return Scale(
        name=item.link_id,
        title=item.text("text") or item.link_id,
        method="expression",
        items=counted,
        min_answered=0,
        weights=dict.fromkeys(counted, Decimal(1)),
        multiplier=Decimal(1),
        minimum=low or Decimal(0),
        maximum=high or Decimal(0),
        decimals=places,
        calculation=Calculation(link_id=item.link_id, expression=expression, scope=scope, whole=whole),
    )


def read_expression(place: Element, written: Mapping[str, Any], known: Collection[str]) -> Expression | None:
    """Return an expression that was read and checked, None with the fault noted."""
    if written.get("language") != "text/fhirpath":
        place.fault("the language of an expression must be text/fhirpath")
        return None
    try:
        return parse(str(written.get("expression", "")), {*VARIABLES, *known})
    except ExpressionError as error:
        place.fault(f"the expression cannot be used: {error}")
        return None
