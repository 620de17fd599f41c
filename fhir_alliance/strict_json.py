"""JSON as RFC 8259 means it: what another reader could understand differently is refused."""

import json
from collections.abc import Callable
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 64


def strict_json(body: bytes, *, decimals: Callable[[str], Any] = float) -> Any:
    """Read JSON in UTF-8; numbers become int, or float unless `decimals` makes something else of them.

    Raises ValueError for another encoding, lone surrogates, NaN, Infinity, numbers out of range, duplicate keys, and
    anything nested deeper than 64.
    """
    if _deeper_than(MAX_DEPTH, orjson.loads(body)):
        raise ValueError("nested too deeply")
    return json.loads(body, object_pairs_hook=_unique, parse_float=decimals)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [node for node in level if isinstance(node, dict | list)]
        if not level:
            return False
        level = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
    return True
