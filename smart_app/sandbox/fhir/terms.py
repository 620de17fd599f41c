"""Search terms of a resource: one row for each value one of its search parameters can be found by."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from smart_app.sandbox.fhir.dates import EVER, date_range, period_range
from smart_app.sandbox.fhir.outcomes import Malformed, Unprocessable
from smart_app.sandbox.fhir.parameters import TYPES, Parameter

Resource = dict[str, Any]
Value = tuple[str | None, str | None, int | None, int | None]
"""System, value, first microsecond, first microsecond after: the columns a search compares."""
Term = tuple[str, str | None, str | None, int | None, int | None]
"""The parameter's name before its value."""

_LITERAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?")


def terms_of(resource: Resource, fhir_base: str = "") -> list[Term]:
    """Return the search terms of a resource of a known type; references below `fhir_base` are taken as relative.

    Raises Unprocessable when an element a search looks at holds something else than its type.
    """
    names = TYPES[resource["resourceType"]]
    return [(name, *value) for name in names for value in values_of(resource, name, fhir_base)]


def values_of(resource: Resource, name: str, fhir_base: str) -> Iterator[Value]:
    """Yield the values one search parameter finds a resource by; raises what terms_of raises."""
    parameter = TYPES[resource["resourceType"]][name]
    for path in parameter.paths:
        for element in elements(resource, path):
            yield from _values(name, parameter, element, fhir_base)


def elements(node: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield the elements at a path, lists taken apart."""
    if isinstance(node, list):
        for item in node:
            yield from elements(item, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from elements(node[path[0]], path[1:])


def split_reference(reference: str, fhir_base: str = "") -> tuple[str, str]:
    """Return (type, id) of a literal reference on this server, or ("", reference) for any other."""
    local = reference.removeprefix(f"{fhir_base}/") if fhir_base else reference
    found = _LITERAL.fullmatch(local)
    return (found["type"], found["id"]) if found else ("", reference)


def fold(text: str) -> str:
    """Return text as string searches compare it: without case and accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


def _values(name: str, parameter: Parameter, element: Any, fhir_base: str) -> list[Value]:
    with suppress(Malformed, TypeError, AttributeError):
        if parameter.kind == "reference":
            values = list(_references(element, parameter, fhir_base))
        else:
            values = list(_READERS[parameter.kind](element))
        if all(isinstance(text, str | None) for value in values for text in value[:2]):
            return values
    raise Unprocessable(f"the element behind the search parameter {name} does not hold what its type says")


def _references(element: Any, parameter: Parameter, fhir_base: str) -> Iterator[Value]:
    if (reference := element.get("reference")) is not None:
        kind, key = split_reference(reference, fhir_base)
        if not parameter.typed or kind in parameter.targets:
            yield kind, key, None, None


def _tokens(element: Any) -> Iterator[Value]:
    if not isinstance(element, dict):
        yield "", str(element).lower() if isinstance(element, bool) else str(element), None, None
    elif "coding" in element:
        for coding in element["coding"]:
            yield from _tokens(coding)
    elif (key := element.get("code", element.get("value"))) is not None:
        yield element.get("system", ""), str(key), None, None


def _dates(element: Any) -> Iterator[Value]:
    low, high = period_range(element) if isinstance(element, dict) else date_range(element)
    if (low, high) != EVER:
        yield None, None, low, high


def _uris(element: Any) -> Iterator[Value]:
    yield "", element, None, None


def _canonicals(element: Any) -> Iterator[Value]:
    url, _, version = element.partition("|")
    yield version, url, None, None


def _strings(element: Any) -> Iterator[Value]:
    if isinstance(element, str):
        yield "", fold(element), None, None
    else:
        for part in ("text", "family", "given", "prefix", "suffix"):
            for text in elements(element, (part,)):
                yield "", fold(text), None, None


_READERS: dict[str, Callable[[Any], Iterator[Value]]] = {
    "token": _tokens,
    "date": _dates,
    "uri": _uris,
    "canonical": _canonicals,
    "string": _strings,
}
