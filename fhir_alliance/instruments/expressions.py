"""A scale as FHIRPath, so that any SDC form filler computes the score that we compute."""

from collections.abc import Callable, Mapping

from fhir_alliance.instruments.definition import Scale


def _mean(weights: str) -> str:
    return f"({weights}.select($this + 0).sum() / {weights}.count())"


# How the answered weights become the score; `$this + 0` turns read values into numbers that `sum()` takes.
METHODS: Mapping[str, Callable[[str], str]] = {"mean": _mean}


def score_expression(scale: Scale) -> str:
    """Return the `calculatedExpression` of a scale; it is empty when too few items were answered.

    Items are named in one `where`, because joining answers with `|` would drop equal ones. The result is not rounded.
    """
    asked = " or ".join(f"linkId = '{item}'" for item in scale.items)
    weights = f"%resource.repeat(item).where({asked}).answer.value.weight()"
    return f"iif({weights}.count() >= {scale.min_answered}, {METHODS[scale.method](weights)}, {{}})"
