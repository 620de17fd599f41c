"""What stands where FHIR says something else, and every place in a resource where it can stand."""

from collections.abc import Iterator
from typing import Any, Final

NO_NUMBERS: Final = (float("inf"), float("nan"), 10**400)
NO_DAYS: Final = ("2026-13-45T25:00:00Z", "0001-01-01T00:00:00Z")
ODD: Final[tuple[Any, ...]] = (
    *(None, [], {}, "", "x", 1, -1.5, True, ["x"], [None], [{}], [[]], {"a": 1}),
    *NO_NUMBERS,
    *NO_DAYS,
)
Place = tuple[str | int, ...]


def places(value: Any, *before: str | int) -> Iterator[Place]:
    """Yield the path of everything within a JSON value, but for what every search is checked for already."""
    names = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        if before or name not in ("resourceType", "id"):
            yield (*before, name)
            yield from places(value[name], *before, name)


def value_at(resource: Any, place: Place) -> Any:
    """Return what stands at a place."""
    for name in place:
        resource = resource[name]
    return resource


def put(resource: Any, place: Place, odd: object) -> None:
    """Put another value there."""
    value_at(resource, place[:-1])[place[-1]] = odd
