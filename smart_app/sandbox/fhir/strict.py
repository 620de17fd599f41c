"""JSON as FHIR allows it: no NaN, no key twice, no empty values, not deeper than 64."""

import json
from typing import Any

import orjson

from smart_app.sandbox.fhir.outcomes import Malformed

MAX_DEPTH = 64


def parse_resource(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; raise Malformed saying what is wrong with it.

    Numbers come back as ints and floats whose shortest form is the one a client wrote (7.1667, not 7.10).
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: line {error.lineno}, column {error.colno}") from None
    if not isinstance(value, dict):
        raise Malformed("the body must be one JSON object")
    _check_values(value)
    json.loads(body, object_pairs_hook=_refuse_twice)  # orjson keeps the last of two equal keys without a word
    return value


def _check_values(root: dict[str, Any]) -> None:
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")


def _children(node: dict[str, Any] | list[Any]) -> list[dict[str, Any] | list[Any]]:
    values = node.values() if isinstance(node, dict) else node
    if not node or any(value == "" or (value is None and isinstance(node, dict)) for value in values):
        raise Malformed("FHIR JSON has no empty objects, lists or strings, and null only inside lists")
    return [value for value in values if isinstance(value, dict | list)]


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise Malformed("an object has the same key twice")
