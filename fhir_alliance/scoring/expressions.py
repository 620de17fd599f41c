"""Scores of a site's own form, computed by its expressions over the response that the answers make."""

from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from fhir_alliance.fhirpath.evaluator import Evaluator, Steps
from fhir_alliance.fhirpath.syntax import Expression, Values
from fhir_alliance.fhirpath.values import NotComputable, number, one
from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item, Kind
from fhir_alliance.instruments.layout import Computed, Group, mirrored
from fhir_alliance.instruments.own import Calculation, OwnForm, Variable
from fhir_alliance.instruments.questionnaire import score_link_id
from fhir_alliance.instruments.scale import Scale

# A score that an EHR's JSON number holds exactly has no more digits than that.
_MOST_DIGITS = 15
_JsonObject = dict[str, Any]


class Result(NamedTuple):
    """What a score comes to: its value, None where there is none, `failed` where it could not be computed."""

    value: Decimal | None
    failed: bool = False


NO_RESULT = Result(None)
_FAILED = Result(None, failed=True)
# By the linkId of the score.
Results = Mapping[str, Result]


class Calculator:
    """Computes the scores of one form, within a number of steps for all of them together."""

    def __init__(self, form: Form, own: OwnForm) -> None:
        self._form = form
        self._own = own
        self._scales = scales_of(form)

    def compute(self, given: Mapping[str, str]) -> Results:
        """Return what each score comes to, by linkId.

        A score may use other scores: all are computed again until nothing changes. Those that never stop changing, that
        are no number within their range, or for which the steps do not suffice are failed.
        """
        steps = Steps()
        found: Results = {}
        for _ in range(len(self._scales) + 1):
            now = _Round(self._form, self._own, given, found, steps).results(self._scales)
            if now == found:
                return found
            before, found = found, now
        return {link_id: result if before.get(link_id) == result else _FAILED for link_id, result in found.items()}


class _Round:
    """One computation of all scores over a response that holds the scores of the round before."""

    def __init__(self, form: Form, own: OwnForm, given: Mapping[str, str], scores: Results, steps: Steps) -> None:
        self._own, self._given, self._scores, self._steps = own, given, scores, steps
        self._scales = scales_of(form)
        self._response = {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": form.canonical,
            "status": "completed",
            "item": list(mirrored(form.layout, given, self._item, _head)),
        }
        items = {item["linkId"]: item for item in _everything(self._response)}
        # A score is never computed from itself: to its expression, its own item is always without an answer.
        self._places = {link_id: item for link_id, item in items.items() if link_id not in self._scales}
        self._variables: dict[int, Values] = {}

    def results(self, scales: Mapping[str, Scale]) -> Results:
        """Return what each score comes to."""
        return {
            link_id: self._result(scale, scale.calculation) for link_id, scale in scales.items() if scale.calculation
        }

    def _result(self, scale: Scale, calculation: Calculation) -> Result:
        try:
            values = self._evaluate(calculation.expression, calculation.scope, self._own.variables)
            return Result(_rounded(scale, number(one(values)), whole=calculation.whole) if values else None)
        except NotComputable:
            return _FAILED

    def _evaluate(self, expression: Expression, scope: tuple[str, ...], known: tuple[Variable, ...]) -> Values:
        return Evaluator(self._look_up(scope, known), self._steps).evaluate(expression.root)

    def _look_up(self, scope: tuple[str, ...], known: tuple[Variable, ...]) -> Callable[[str], Values]:
        """Return what finds the value of a `%variable`: of several with one name, the nearest."""

        def look_up(name: str) -> Values:
            if name == "resource":
                return [self._response]
            if name == "questionnaire":
                return [dict(self._own.questionnaire)]
            if name == "context":
                return [self._places.get(scope[-1], {"linkId": scope[-1]}) if scope else self._response]
            return self._value(name, scope, known)

        return look_up

    def _value(self, name: str, scope: tuple[str, ...], known: tuple[Variable, ...]) -> Values:
        index = max(
            place
            for place, variable in enumerate(known)
            if variable.name == name and variable.scope == scope[: len(variable.scope)]
        )
        if index not in self._variables:
            variable = known[index]
            self._variables[index] = self._evaluate(variable.expression, variable.scope, known[:index])
        return self._variables[index]

    def _item(self, part: Item | Computed) -> _JsonObject | None:
        if isinstance(part, Item):
            answer = answer_of(part, self._given[part.link_id]) if part.link_id in self._given else None
            return {"linkId": part.link_id, **({"answer": [answer]} if answer else {})}
        score, scale = self._scores.get(part.link_id), self._scales[part.link_id]
        return score_item(scale, score.value) if score and score.value is not None else None


def scales_of(form: Form) -> Mapping[str, Scale]:
    """Return the calculated scores of a form by their linkId."""
    return {scale.calculation.link_id: scale for scale in form.scales if scale.calculation}


def score_item(scale: Scale, value: Decimal) -> _JsonObject:
    """Return the hidden item of a response that holds a calculated score, in the type that its form gives it."""
    answer: _JsonObject = {"valueDecimal": value}
    if scale.calculation and scale.calculation.whole:
        answer = {"valueInteger": int(value)}
    return {"linkId": score_link_id(scale), "answer": [answer]}


def answer_of(item: Item, answer: str) -> _JsonObject:
    """Return an answer as a response holds it, with its number exact."""
    if item.kind in _VALUES:
        name, read = _VALUES[item.kind]
        return {name: read(answer)}
    return dict(item.by_code[answer].own or {})


_VALUES: Mapping[Kind, tuple[str, Callable[[str], Any]]] = {
    Kind.BOOLEAN: ("valueBoolean", lambda answer: answer == "true"),
    Kind.INTEGER: ("valueInteger", int),
    Kind.DECIMAL: ("valueDecimal", Decimal),
    Kind.TEXT: ("valueString", str),
}


def _head(group: Group) -> _JsonObject:
    return {"linkId": group.link_id}


def _everything(place: _JsonObject) -> Iterator[_JsonObject]:
    for item in place.get("item", ()):
        yield item
        yield from _everything(item)


def _rounded(scale: Scale, value: Decimal | int, *, whole: bool) -> Decimal:
    """Return a score rounded half up, once; NotComputable when it is not what its form says it can be."""
    found = Decimal(value).quantize(scale.step, rounding=ROUND_HALF_UP)
    if whole and found != value:
        raise NotComputable("a whole number is needed")
    if scale.has_range and not scale.minimum <= found <= scale.maximum:
        raise NotComputable("the score is outside of its range")
    if len(found.as_tuple().digits) > _MOST_DIGITS:
        raise NotComputable("the score has too many digits")
    return found
