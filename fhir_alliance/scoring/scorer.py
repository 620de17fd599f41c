"""One form's scoring as look-up tables, compiled once from its definition."""

import json
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.scoring.expressions import NO_RESULT, Calculator, Result
from fhir_alliance.scoring.responses import read_given

# Wide enough that the only rounding is the one to the definition's decimals.
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_UP)


class Score(NamedTuple):
    """One scale scored; `value` is None when fewer than `min_answered` items were answered.

    `failed` says that a site's own expression could not be computed.
    """

    scale: Scale
    value: Decimal | None
    answered: int
    failed: bool = False


_Finish = Callable[[int, int], Decimal]


class Scorer:
    """Scores answers, or a whole QuestionnaireResponse, of one form.

    Values are kept as whole multiples of the smallest decimal place among them, so that sums are exact and quick.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._calculator = Calculator(form, form.own) if form.own else None
        self._places = max((_places(item) for item in form.scored_items), default=0)
        self._values = {item.link_id: _values(item, self._places) for item in form.scored_items if not item.span}
        self._lines = {item.link_id: item for item in form.scored_items if item.span}
        counted = () if form.own else form.scales
        self._plans = tuple(
            (scale, scale.items, scale.min_answered, scale.shares if scale.weighted else None, finish)
            for scale in counted
            for finish in (_finisher(scale, self._places),)
        )

    def score(self, answers: Answers) -> tuple[Score, ...]:
        """Return every scale of the form in its order, rounded once, half up, to the definition's decimals."""
        if self._calculator:
            return self._calculated(self._calculator, answers.given)
        found: dict[str, int] = {}
        for link_id, answer in answers.given.items():
            if link_id in self._values:
                found[link_id] = self._values[link_id][answer]
            elif link_id in self._lines:
                self._read_line(link_id, answer, found)
        return self._score(found)

    def score_response(self, response: bytes) -> tuple[Score, ...]:
        """Score a QuestionnaireResponse from its JSON; an answer that is none of the item's options does not count."""
        if self._calculator:
            return self._calculated(self._calculator, read_given(json.loads(response, parse_float=Decimal), self._form))
        found: dict[str, int] = {}
        self._collect(orjson.loads(response).get("item", ()), found)
        return self._score(found)

    def _calculated(self, calculator: Calculator, given: Mapping[str, str]) -> tuple[Score, ...]:
        """Return the scores of a site's own form; where nothing was answered there is none, whatever is computed."""
        results = calculator.compute(given) if given else {}
        return tuple(_calculated_score(scale, results.get(scale.name, NO_RESULT), given) for scale in self._form.scales)

    def _collect(self, items: list[dict[str, Any]], found: dict[str, int]) -> None:
        values = self._values
        for item in items:
            link_id = item["linkId"]
            if link_id in values:
                for answer in item.get("answer", ())[:1]:
                    value = values[link_id].get(answer.get("valueCoding", _NOTHING).get("code"))
                    if value is not None:
                        found[link_id] = value
            elif link_id in self._lines:
                for answer in item.get("answer", ())[:1]:
                    number = answer.get("valueDecimal", answer.get("valueInteger"))
                    self._read_line(link_id, str(number), found)
            elif "item" in item:
                self._collect(item["item"], found)

    def _read_line(self, link_id: str, answer: str, found: dict[str, int]) -> None:
        span = self._lines[link_id].span
        value = span.read(answer) if span else None
        if value is not None:
            found[link_id] = int(value.scaleb(self._places))

    def _score(self, found: Mapping[str, int]) -> tuple[Score, ...]:
        scores = []
        for scale, items, least, shares, finish in self._plans:
            values = [found[item] for item in items if item in found]
            answered = len(values)
            if answered < least:
                scores.append(Score(scale, None, answered))
            elif shares is None:
                scores.append(Score(scale, finish(sum(values), answered), answered))
            else:
                total = sum([found[item] * shares[item] for item in items if item in found])
                weight = sum([shares[item] for item in items if item in found])
                scores.append(Score(scale, finish(total, weight), answered))
        return tuple(scores)


def _calculated_score(scale: Scale, result: Result, given: Mapping[str, str]) -> Score:
    return Score(scale, result.value, sum(item in given for item in scale.items), failed=result.failed)


_NOTHING: Mapping[str, str] = {}


def _finisher(scale: Scale, places: int) -> _Finish:
    """Return the step from the weighted total and the weight of the answered items to the score, rounded once.

    A scale has few totals, so each is divided and rounded only once.
    """
    step, factor = scale.step, scale.factor.scaleb(-places)

    @lru_cache(maxsize=4096)
    def finish(total: int, weight: int) -> Decimal:
        return _CONTEXT.divide(_CONTEXT.multiply(factor, total), weight).quantize(step, context=_CONTEXT)

    return finish


def _values(item: Item, places: int) -> dict[str, int]:
    return {option.code: int(option.value.scaleb(places)) for option in item.options if option.value is not None}


def _places(item: Item) -> int:
    """Return how many decimal places the item's numbers have; options count whole numbers."""
    return item.span.decimals if item.span else 0
