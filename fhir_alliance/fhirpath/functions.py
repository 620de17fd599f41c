"""The functions that take values and return values; those that evaluate their argument again are the evaluator's."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from fhir_alliance.fhirpath.operators import distinct, extreme, floor, mean, raised, rounded, total
from fhir_alliance.fhirpath.patterns import MAX_TEXT, check_pattern
from fhir_alliance.fhirpath.syntax import Value, Values
from fhir_alliance.fhirpath.values import (
    NotComputable,
    children,
    exact,
    extensions,
    number,
    one,
    same,
    text,
    truth,
    weights,
)

_INTEGER = re.compile(r"[+-]?[0-9]{1,15}\Z")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?\Z")

Function = Callable[..., Values]


def _each(change: Callable[..., Value]) -> Function:
    """Return a function of one value, and of one argument more where it takes one; nothing of nothing."""

    def call(values: Values, *arguments: Values) -> Values:
        if not values or not all(arguments):
            return []
        return [change(one(values), *(one(argument) for argument in arguments))]

    return call


def _not(values: Values) -> Values:
    known = truth(values)
    return [] if known is None else [not known]


def _single(values: Values) -> Values:
    return [one(values)] if values else []


def _to_integer(values: Values) -> Values:
    value = one(values) if values else ""
    if isinstance(value, str):
        return [int(value)] if _INTEGER.match(value) else []
    return [] if isinstance(value, dict) or int(value) != value else [int(value)]


def _to_decimal(values: Values) -> Values:
    value = one(values) if values else ""
    if isinstance(value, str):
        return [Decimal(value)] if _DECIMAL.match(value) else []
    return [] if isinstance(value, dict) else [exact(int(value) if isinstance(value, bool) else value)]


def _to_string(values: Values) -> Values:
    if not values or isinstance(one(values), dict):
        return []
    value = one(values)
    if isinstance(value, bool):
        return [str(value).lower()]
    return [f"{value:f}" if isinstance(value, Decimal) else str(value)]


def _sqrt(values: Values) -> Values:
    return raised(one(values), Decimal("0.5")) if values and number(one(values)) >= 0 else []


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return check_pattern(pattern)


def _matches(value: Value, pattern: Value) -> bool:
    searched = text(value)
    if len(searched) > MAX_TEXT:
        raise NotComputable(f"matches() reads at most {MAX_TEXT} characters")
    return _pattern(text(pattern)).search(searched) is not None


def _kept(values: Values, others: Values, *, when: bool) -> Values:
    return [value for value in values if any(same(value, other) for other in others) is when]


def _count(values: Values, how_many: Values) -> int:
    found = number(one(how_many)) if how_many else 0
    return max(0, min(floor(found), len(values)))


FUNCTIONS: Mapping[str, Function] = {
    "empty": lambda values: [not values],
    "hasValue": lambda values: [len(values) == 1 and not isinstance(values[0], dict)],
    "not": _not,
    "count": lambda values: [len(values)],
    "distinct": distinct,
    "isDistinct": lambda values: [len(distinct(values)) == len(values)],
    "allTrue": lambda values: [all(value is True for value in values)],
    "anyTrue": lambda values: [any(value is True for value in values)],
    "allFalse": lambda values: [all(value is False for value in values)],
    "anyFalse": lambda values: [any(value is False for value in values)],
    "first": lambda values: values[:1],
    "last": lambda values: values[-1:],
    "single": _single,
    "tail": lambda values: values[1:],
    "take": lambda values, how_many: values[: _count(values, how_many)],
    "skip": lambda values, how_many: values[_count(values, how_many) :],
    "union": lambda values, others: distinct([*values, *others]),
    "combine": lambda values, others: [*values, *others],
    "intersect": lambda values, others: distinct(_kept(values, others, when=True)),
    "exclude": lambda values, others: _kept(values, others, when=False),
    "children": lambda values: [child for value in values for child in children(value)],
    "sum": lambda values: [total(values)],
    "min": lambda values: extreme(values, "<"),
    "max": lambda values: extreme(values, ">"),
    "avg": mean,
    "abs": _each(lambda value: exact(number(value)).copy_abs()),
    "ceiling": _each(lambda value: -floor(-number(value))),
    "floor": _each(floor),
    "truncate": _each(lambda value: int(exact(number(value)))),
    "round": lambda values, places=(0,): _each(rounded)(values, list(places)),
    "sqrt": _sqrt,
    "power": lambda values, by: raised(one(values), one(by)) if values and by else [],
    "toInteger": _to_integer,
    "toDecimal": _to_decimal,
    "toString": _to_string,
    "length": _each(lambda value: len(text(value))),
    "upper": _each(lambda value: text(value).upper()),
    "lower": _each(lambda value: text(value).lower()),
    "trim": _each(lambda value: text(value).strip()),
    "startsWith": _each(lambda value, other: text(value).startswith(text(other))),
    "endsWith": _each(lambda value, other: text(value).endswith(text(other))),
    "contains": _each(lambda value, other: text(other) in text(value)),
    "matches": _each(_matches),
    "extension": lambda values, url: [found for value in values for found in extensions(value, one(url))],
    "weight": lambda values: [weight for value in values for weight in weights(value)],
    "ordinal": lambda values: [weight for value in values for weight in weights(value)],
}
