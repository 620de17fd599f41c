"""The operators: each takes two collections and returns one."""

from collections.abc import Callable, Mapping
from decimal import ROUND_FLOOR, Decimal, DecimalException

from fhir_alliance.fhirpath.syntax import Value, Values
from fhir_alliance.fhirpath.values import NUMBERS, NotComputable, bounded, exact, number, one, same, text, truth


def distinct(values: Values) -> Values:
    """Return the values without those that are equal to one before."""
    found: Values = []
    for value in values:
        if not any(same(value, other) for other in found):
            found.append(value)
    return found


def _equal(left: Values, right: Values) -> Values:
    if not left or not right:
        return []
    return [len(left) == len(right) and all(map(same, left, right))]


def _unequal(left: Values, right: Values) -> Values:
    return [not equal for equal in _equal(left, right)]


def _in(left: Values, right: Values) -> Values:
    return [any(same(one(left), value) for value in right)] if left else []


def _contains(left: Values, right: Values) -> Values:
    return _in(right, left)


def _or(left: Values, right: Values) -> Values:
    known = {truth(left), truth(right)}
    return [True] if True in known else [] if None in known else [False]


def _and(left: Values, right: Values) -> Values:
    known = {truth(left), truth(right)}
    return [False] if False in known else [] if None in known else [True]


def _xor(left: Values, right: Values) -> Values:
    first, second = truth(left), truth(right)
    return [] if first is None or second is None else [first is not second]


def _implies(left: Values, right: Values) -> Values:
    return _or([not truth(left)] if left else [], right)


def _compared(compare: Callable[[int], bool]) -> Callable[[Values, Values], Values]:
    def operate(left: Values, right: Values) -> Values:
        if not left or not right:
            return []
        first, second = one(left), one(right)
        if isinstance(first, str) and isinstance(second, str):
            return [compare((first > second) - (first < second))]
        low, high = number(first), number(second)
        return [compare((low > high) - (low < high))]

    return operate


def _calculated(calculate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Values, Values], Values]:
    """Return arithmetic on one number each; it stays whole where both numbers were, and is empty without either."""

    def operate(left: Values, right: Values) -> Values:
        if not left or not right:
            return []
        first, second = number(one(left)), number(one(right))
        try:
            result = calculate(exact(first), exact(second))
        except DecimalException:
            raise NotComputable("a number is too large") from None
        return [int(result) if isinstance(first, int) and isinstance(second, int) else result]

    return operate


def _divided(left: Values, right: Values) -> Values:
    """Divide; by zero there is nothing (FHIRPath 2.0, section 6.6.2)."""
    return _quotient([exact(number(one(left)))], right) if left and _not_zero(right) else []


def _whole_divided(left: Values, right: Values) -> Values:
    return [int(exact(number(value))) for value in _divided(left, right)]


def _remainder(left: Values, right: Values) -> Values:
    return _modulo(left, right) if _not_zero(right) else []


def _not_zero(values: Values) -> bool:
    return bool(values) and number(one(values)) != 0


def _plus(left: Values, right: Values) -> Values:
    if left and right and isinstance(one(left), str):
        return [bounded(text(one(left)) + text(one(right)))]
    return _sum(left, right)


def _joined(left: Values, right: Values) -> Values:
    return [bounded("".join(text(one(values)) for values in (left, right) if values))]


_sum = _calculated(NUMBERS.add)
_quotient = _calculated(NUMBERS.divide)
_modulo = _calculated(NUMBERS.remainder)

OPERATORS: Mapping[str, Callable[[Values, Values], Values]] = {
    "implies": _implies,
    "or": _or,
    "xor": _xor,
    "and": _and,
    "in": _in,
    "contains": _contains,
    "=": _equal,
    "!=": _unequal,
    "<": _compared(lambda order: order < 0),
    "<=": _compared(lambda order: order <= 0),
    ">": _compared(lambda order: order > 0),
    ">=": _compared(lambda order: order >= 0),
    "|": lambda left, right: distinct([*left, *right]),
    "+": _plus,
    "-": _calculated(NUMBERS.subtract),
    "&": _joined,
    "*": _calculated(NUMBERS.multiply),
    "/": _divided,
    "div": _whole_divided,
    "mod": _remainder,
}


def total(values: Values) -> Decimal | int:
    """Return the sum of numbers, 0 of none."""
    found: Values = [0]
    for value in values:
        found = _sum(found, [value])
    return number(found[0])


def mean(values: Values) -> Values:
    """Return the mean of numbers, nothing of none."""
    return _divided([total(values)], [len(values)])


def extreme(values: Values, operator: str) -> Values:
    """Return the value that is `<` or `>` all others, nothing of none."""
    found = values[:1]
    for value in values[1:]:
        if OPERATORS[operator]([value], found) == [True]:
            found = [value]
    return found


def rounded(value: Value, places: Value) -> Decimal:
    """Return a number rounded half up to so many decimal places."""
    digits = number(places)
    if not isinstance(digits, int) or not 0 <= digits <= _MOST_PLACES:
        raise NotComputable(f"round() takes 0 to {_MOST_PLACES} decimal places")
    return exact(number(value)).quantize(Decimal(1).scaleb(-digits), context=NUMBERS)


def raised(base: Value, exponent: Value) -> Values:
    """Return a number to the power of another, nothing where that is no real number."""
    try:
        return [NUMBERS.power(exact(number(base)), exact(number(exponent)))]
    except DecimalException:
        return []


def floor(value: Value) -> int:
    """Return the largest whole number that is not above a number."""
    return int(exact(number(value)).to_integral_value(rounding=ROUND_FLOOR))


_MOST_PLACES = 10
