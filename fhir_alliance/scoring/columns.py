"""A scale as a column expression, so that a database scores millions of responses as we score one."""

from collections.abc import Mapping

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.scale import Scale

# The expression reads one column of this type: the answers of one response, as flat as a table can hold them.
ANSWERS_TYPE = "STRUCT(linkId VARCHAR, code VARCHAR, number DECIMAL(9, 4))[]"


def score_column(scale: Scale, items: Mapping[str, Item], *, answers: str = "answers") -> str:
    """Return the DuckDB expression of a scale's score over a column of ANSWERS_TYPE, NULL when not scorable.

    The arithmetic is in whole numbers, so that its one rounding, half up, falls where the Decimal scorer's does.
    """
    value = _value(scale, items)
    values = _each(scale, answers, value)
    total, weight, answered = values, f"len({values})", f"len({values})"
    if scale.weighted:
        share = _share(scale)
        total = _each(scale, answers, f"{value} * {share}")
        weight = f"list_sum({_each(scale, answers, f'CASE WHEN {value} IS NOT NULL THEN {share} END')})::HUGEINT"
    # factor = up / down, in whole numbers that take the decimals of the score and of the answers with them.
    up, down = scale.factor.scaleb(scale.decimals - _places(items[scale.items[0]])).as_integer_ratio()
    numerator, denominator = f"(list_sum({total})::HUGEINT * {up})", f"({weight} * {down})"
    rounded = f"((2 * {numerator} + {denominator}) // (2 * {denominator}))"
    if scale.minimum < 0:
        # Half up is away from zero (as Decimal has it), and `//` is towards it: so the sign comes last.
        rounded = f"(sign({numerator}) * ((2 * abs({numerator}) + {denominator}) // (2 * {denominator})))"
    value = f"({rounded}::DECIMAL(18, 0) / {10**scale.decimals})::DECIMAL(18, {scale.decimals})"
    return f"CASE WHEN {answered} >= {scale.min_answered} THEN {value} END"


def score_columns(form: Form, items: Mapping[str, Item], *, answers: str = "answers") -> dict[str, str]:
    """Return the expression of each scale of a form, by the scale's name."""
    return {scale.name: score_column(scale, items, answers=answers) for scale in form.scales}


def _each(scale: Scale, answers: str, value: str) -> str:
    """Return the list of a value of each answer to the scale, without those that are NULL."""
    return f"list_filter([{value} FOR a IN {answers} IF a.linkId IN ({_list(scale.items)})], lambda v: v IS NOT NULL)"


def _share(scale: Scale) -> str:
    whens = " ".join(f"WHEN {_quoted(item)} THEN {share}" for item, share in scale.shares.items())
    return f"(CASE a.linkId {whens} END)::HUGEINT"


def _value(scale: Scale, items: Mapping[str, Item]) -> str:
    """Return the number an answer says; items whose options count alike share their branch."""
    first = items[scale.items[0]]
    if first.span:
        low, high, up = first.span.minimum, first.span.maximum, 10**first.span.decimals
        whole = f"a.number * {up} = round(a.number * {up})"
        return f"CASE WHEN a.number BETWEEN {low} AND {high} AND {whole} THEN (a.number * {up})::BIGINT END"
    alike: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for name in scale.items:
        values = tuple((option.code, int(option.value)) for option in items[name].options if option.value is not None)
        alike.setdefault(values, []).append(name)
    branches = [f"WHEN a.linkId IN ({_list(names)}) THEN {_case(values)}" for values, names in alike.items()]
    return _case(next(iter(alike))) if len(alike) == 1 else f"CASE {' '.join(branches)} END"


def _case(values: tuple[tuple[str, int], ...]) -> str:
    return f"CASE a.code {' '.join(f'WHEN {_quoted(code)} THEN {value}' for code, value in values)} END"


def _list(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(text: str) -> str:
    """Quote a name of a definition, which holds only letters, digits and hyphens."""
    return f"'{text}'"


def _places(item: Item) -> int:
    return item.span.decimals if item.span else 0
