"""One form's scoring as look-up tables, compiled once from its definition."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from fhir_alliance.instruments.definition import Form, Item, Scale
from fhir_alliance.scoring.answers import Answers

# Wide enough that the only rounding is the one to the definition's decimals.
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_UP)


class Score(NamedTuple):
    """One scale scored; `value` is None when fewer than `min_answered` items were answered."""

    scale: Scale
    value: Decimal | None
    answered: int


def _mean(total: Decimal, answered: int) -> Decimal:
    return _CONTEXT.divide(total, answered)


# How a total of the answered items becomes the score.
METHODS: Mapping[str, Callable[[Decimal, int], Decimal]] = {"mean": _mean}

_Finish = Callable[[int, int], Decimal | None]


class Scorer:
    """Scores answers, or a whole QuestionnaireResponse, of one form.

    Weights are kept as whole multiples of the smallest decimal place among them, so that sums are exact and quick.
    """

    def __init__(self, form: Form) -> None:
        places = max((-_exponent(option.value) for item in form.scored_items for option in item.options), default=0)
        self._weights = {item.link_id: _weights(item, places) for item in form.scored_items}
        self._plans = tuple((scale, scale.items, _finisher(scale, places)) for scale in form.scales)

    def score(self, answers: Answers) -> tuple[Score, ...]:
        """Return every scale of the form in its order, rounded once, half up, to the definition's decimals."""
        weights = self._weights
        return self._score({item: weights[item][code] for item, code in answers.given.items() if item in weights})

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
            elif "item" in item:
                self._collect(item["item"], found)

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
    method, least, step = METHODS[scale.method], scale.min_answered, Decimal(1).scaleb(-scale.decimals)

    @lru_cache(maxsize=4096)
    def finish(total: int, answered: int) -> Decimal | None:
        if answered < least:
            return None
        return method(Decimal(total).scaleb(-places), answered).quantize(step, context=_CONTEXT)

    return finish


def _weights(item: Item, places: int) -> dict[str, int]:
    return {option.code: int(option.value.scaleb(places)) for option in item.options if option.value is not None}


def _exponent(value: Decimal | None) -> int:
    exponent = value.as_tuple().exponent if value is not None else 0
    return exponent if isinstance(exponent, int) else 0
