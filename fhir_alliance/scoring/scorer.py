"""One form's scoring as look-up tables, compiled once from its definition."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from fhir_alliance.instruments.definition import Form, Scale
from fhir_alliance.instruments.items import Item
from fhir_alliance.scoring.answers import Answers

# Wide enough that the only rounding is the one to the definition's decimals.
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_UP)


class Score(NamedTuple):
    """One scale scored; `value` is None when fewer than `min_answered` items were answered."""

    scale: Scale
    value: Decimal | None
    answered: int


def _mean(total: Decimal, answered: int, asked: int) -> Decimal:
    return _CONTEXT.divide(total, answered)


def _sum(total: Decimal, answered: int, asked: int) -> Decimal:
    """Return the sum, prorated by the person's own mean: asked items times the mean of the answered ones."""
    return _CONTEXT.divide(total * asked, answered)


# How a total of the answered items becomes the score.
METHODS: Mapping[str, Callable[[Decimal, int, int], Decimal]] = {"mean": _mean, "sum": _sum}

_Finish = Callable[[int, int], Decimal | None]


class Scorer:
    """Scores answers, or a whole QuestionnaireResponse, of one form.

    Weights are kept as whole multiples of the smallest decimal place among them, so that sums are exact and quick.
    """

    def __init__(self, form: Form) -> None:
        self._places = max((_places(item) for item in form.scored_items), default=0)
        self._weights = {item.link_id: _weights(item, self._places) for item in form.scored_items if not item.span}
        self._lines = {item.link_id: item for item in form.scored_items if item.span}
        self._plans = tuple((scale, scale.items, _finisher(scale, self._places)) for scale in form.scales)

    def score(self, answers: Answers) -> tuple[Score, ...]:
        """Return every scale of the form in its order, rounded once, half up, to the definition's decimals."""
        found: dict[str, int] = {}
        for link_id, answer in answers.given.items():
            if link_id in self._weights:
                found[link_id] = self._weights[link_id][answer]
            elif link_id in self._lines:
                self._read_line(link_id, answer, found)
        return self._score(found)

    def score_response(self, response: bytes) -> tuple[Score, ...]:
        """Score a QuestionnaireResponse from its JSON; an answer that is none of the item's options does not count."""
        found: dict[str, int] = {}
        self._collect(orjson.loads(response).get("item", ()), found)
        return self._score(found)

    def _collect(self, items: list[dict[str, Any]], found: dict[str, int]) -> None:
        weights = self._weights
        for item in items:
            link_id = item["linkId"]
            if link_id in weights:
                for answer in item.get("answer", ())[:1]:
                    weight = weights[link_id].get(answer.get("valueCoding", _NOTHING).get("code"))
                    if weight is not None:
                        found[link_id] = weight
            elif link_id in self._lines:
                for answer in item.get("answer", ())[:1]:
                    self._read_line(link_id, str(answer.get("valueDecimal")), found)
            elif "item" in item:
                self._collect(item["item"], found)

    def _read_line(self, link_id: str, answer: str, found: dict[str, int]) -> None:
        span = self._lines[link_id].span
        value = span.read(answer) if span else None
        if value is not None:
            found[link_id] = int(value.scaleb(self._places))

    def _score(self, found: Mapping[str, int]) -> tuple[Score, ...]:
        scores = []
        for scale, items, finish in self._plans:
            values = [found[item] for item in items if item in found]
            answered = len(values)
            scores.append(Score(scale, finish(sum(values), answered), answered))
        return tuple(scores)


_NOTHING: Mapping[str, str] = {}


def _finisher(scale: Scale, places: int) -> _Finish:
    """Return the step from a sum to the score; a scale has few sums, so each is divided and rounded only once."""
    method, least, asked = METHODS[scale.method], scale.min_answered, len(scale.items)
    step = Decimal(1).scaleb(-scale.decimals)

    @lru_cache(maxsize=4096)
    def finish(total: int, answered: int) -> Decimal | None:
        if answered < least:
            return None
        return method(Decimal(total).scaleb(-places), answered, asked).quantize(step, context=_CONTEXT)

    return finish


def _weights(item: Item, places: int) -> dict[str, int]:
    return {option.code: int(option.value.scaleb(places)) for option in item.options if option.value is not None}


def _places(item: Item) -> int:
    """Return how many decimal places the item's numbers have; options count whole numbers."""
    return item.span.decimals if item.span else 0
