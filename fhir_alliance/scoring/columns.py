"""A scale as a column expression, so that a database scores millions of responses as we score one."""

from collections.abc import Mapping

from fhir_alliance.instruments.definition import Form, Scale
from fhir_alliance.instruments.items import Item

# The expression reads one column of this type: the answers of one response, as flat as a table can hold them.
ANSWERS_TYPE = "STRUCT(linkId VARCHAR, code VARCHAR, number DECIMAL(9, 4))[]"


def score_column(scale: Scale, items: Mapping[str, Item], *, answers: str = "answers") -> str:
    """Return the DuckDB expression of a scale's score over a column of ANSWERS_TYPE, NULL when not scorable.

    The arithmetic is in whole numbers, so that its one rounding, half up, falls where the Decimal scorer's does.
    """
    counted = f"[{_weight(scale, items)} FOR a IN {answers} IF a.linkId IN ({_list(scale.items)})]"
    values = f"list_filter({counted}, lambda v: v IS NOT NULL)"
    total, answered = f"list_sum({values})::HUGEINT", f"len({values})"
    asked = len(scale.items) if scale.method == "sum" else 1
    scale_up, scale_down = 10**scale.decimals, 10 ** _places(items[scale.items[0]])
    numerator, denominator = f"({total} * {asked * scale_up})", f"({answered} * {scale_down})"
    rounded = f"((2 * {numerator} + {denominator}) // (2 * {denominator}))"
    decimal = f"DECIMAL(18, {scale.decimals})"
    value = f"({rounded}::DECIMAL(18, 0) / {scale_up})::{decimal}"
    return f"CASE WHEN {answered} >= {scale.min_answered} THEN {value} END"


def score_columns(form: Form, items: Mapping[str, Item], *, answers: str = "answers") -> dict[str, str]:
    """Return the expression of each scale of a form, by the scale's name."""
    return {scale.name: score_column(scale, items, answers=answers) for scale in form.scales}


def _weight(scale: Scale, items: Mapping[str, Item]) -> str:
    """Return what one answer counts; items that count alike share their branch."""
    first = items[scale.items[0]]
    if first.span:
        low, high, up = first.span.minimum, first.span.maximum, 10**first.span.decimals
        whole = f"a.number * {up} = round(a.number * {up})"
        return f"CASE WHEN a.number BETWEEN {low} AND {high} AND {whole} THEN (a.number * {up})::BIGINT END"
    alike: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for name in scale.items:
        weights = tuple((option.code, int(option.value)) for option in items[name].options if option.value is not None)
        alike.setdefault(weights, []).append(name)
    branches = [f"WHEN a.linkId IN ({_list(names)}) THEN {_case(weights)}" for weights, names in alike.items()]
    return _case(next(iter(alike))) if len(alike) == 1 else f"CASE {' '.join(branches)} END"


def _case(weights: tuple[tuple[str, int], ...]) -> str:
    return f"CASE a.code {' '.join(f'WHEN {_quoted(code)} THEN {value}' for code, value in weights)} END"


def _list(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(text: str) -> str:
    """Quote a name of a definition, which holds only letters, digits and hyphens."""
    return f"'{text}'"


def _places(item: Item) -> int:
    return item.span.decimals if item.span else 0
