"""Searching what no chart took as FHIR R4 has it: by patient, identifier, code, id and time (spec row E02)."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fhir_alliance.delivery.shelf import MOST_OPENED, Kept, Shelf, Wanted

_KEY: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID: Final = re.compile(rf"({_KEY})(?:\.[0-9]+)?")
_IDENTIFIER: Final = re.compile(rf"(?:urn:uuid:)?({_KEY})(?:\..+)?")
_PATIENT: Final = re.compile(r"(?:Patient/)?([A-Za-z0-9.-]{1,64})")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")

Criteria = Iterable[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Found:
    """One resource that fits, and the submission it belongs to."""

    kept: Kept
    resource: Mapping[str, Any] = field(repr=False)


def read_criteria(criteria: Criteria, *, fhir_base: str) -> Wanted:
    """Return which submissions can hold what fits; ValueError for a `_lastUpdated` that is no day and no instant.

    A patient is named by id, by `Patient/id`, or by its address below `fhir_base`; anybody else has nothing here.
    """
    patients: list[set[str]] = []
    keys: list[set[str]] = []
    since, before = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for name, value in criteria:
        values = value.split(",")
        if name == "patient":
            patients.append(_named(_PATIENT, (each.removeprefix(f"{fhir_base}/") for each in values)))
        elif name == "_id":
            keys.append(_named(_ID, values))
        elif name == "identifier":
            keys.append(_named(_IDENTIFIER, (each.rpartition("|")[2] for each in values)))
        elif name == "_lastUpdated":
            first, end = _period(value)
            since, before = max(since, first), min(before, end)
    return Wanted(patients=_all_of(patients), keys=_all_of(keys), since=since, before=before)


def search_shelf(
    shelf: Shelf, ehr: str, wanted: Wanted, kind: str, criteria: Criteria, *, page: str, count: int
) -> tuple[list[Found], str]:
    """Return up to `count` resources of a kind that fit, and where the next page begins ("" when this is the last).

    `page` is such a place, or "" for the beginning; ValueError when it is none.
    """
    asked = [(name, value.split(",")) for name, value in criteria if name in _FITS]
    first, skipped = _place(page)
    found: list[Found] = []
    opened = last = 0
    for kept in shelf.search(ehr, wanted, after=first - 1):
        opened, last = opened + 1, kept.sequence
        fitting = [each for each in kept.resources if each["resourceType"] == kind and _fits(each, asked)]
        for number, resource in enumerate(fitting):
            if kept.sequence == first and number < skipped:
                continue
            if len(found) == count:
                return found, f"{kept.sequence}.{number}"
            found.append(Found(kept=kept, resource=resource))
    return found, f"{last + 1}.0" if opened == MOST_OPENED else ""


def _named(pattern: re.Pattern[str], values: Iterable[str]) -> set[str]:
    return {match[1] for match in map(pattern.fullmatch, values) if match}


def _all_of(named: Iterable[set[str]]) -> Collection[str] | None:
    several = list(named)
    return set.intersection(*several) if several else None


def _period(value: str) -> tuple[datetime, datetime]:
    """Return since when and until before when an instant fits a date parameter with its prefix (eq without one)."""
    prefix, plain = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    try:
        start = _start(plain)
        end = start + _length(plain)
    except (ValueError, OverflowError):
        raise ValueError("_lastUpdated") from None
    never, always = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    periods = {"eq": (start, end), "ge": (start, always), "gt": (end, always), "le": (never, end), "lt": (never, start)}
    if prefix not in periods:
        raise ValueError("_lastUpdated: prefix")
    return periods[prefix]


def _start(value: str) -> datetime:
    if _DAY.fullmatch(value):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if not _INSTANT.fullmatch(value):
        raise ValueError("neither a day nor an instant")
    return datetime.fromisoformat(value).astimezone(UTC)


def _length(value: str) -> timedelta:
    if "T" not in value:
        return timedelta(days=1)
    return timedelta(milliseconds=1) if "." in value else timedelta(seconds=1)


def _place(page: str) -> tuple[int, int]:
    if page and not re.fullmatch(r"[0-9]{1,15}\.[0-9]{1,4}", page):
        raise ValueError("page")
    sequence, _, number = (page or "0.0").partition(".")
    return int(sequence), int(number)


def _fits(resource: Mapping[str, Any], asked: Iterable[tuple[str, Iterable[str]]]) -> bool:
    return all(any(_fits_one(resource, name, value) for value in values) for name, values in asked)


def _fits_one(resource: Mapping[str, Any], name: str, value: str) -> bool:
    tokens = _FITS[name](resource)
    system, bar, code = value.rpartition("|")
    return any(code == each[1] and (not bar or system == each[0]) for each in tokens)


def _identifiers(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    held = resource["identifier"]
    return [(each["system"], each["value"]) for each in (held if isinstance(held, list) else [held])]


def _codes(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each.get("system", ""), each["code"]) for each in resource.get("code", {}).get("coding", [])]


# The tokens of a resource (system and value) that a parameter is compared with.
_FITS: Final = {
    "_id": lambda resource: [("", str(resource["id"]))],
    "identifier": _identifiers,
    "code": _codes,
}
