"""The definitions that resources are checked against: FHIR's own, and those among the files checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_alliance.conformance.validator.compiling import add_definitions, no_definitions
from fhir_alliance.conformance.validator.findings import JsonObject


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """An invariant: a FHIRPath expression that must be true."""

    key: str
    severity: str
    human: str
    expression: str


def read_constraints(facts: Iterable[Sequence[str]]) -> tuple[Constraint, ...]:
    """Return invariants from their facts: key, severity, sentence, expression."""
    return tuple(
        Constraint(key=key, severity=severity, human=human, expression=expression)
        for key, severity, human, expression in facts
    )


@dataclass(frozen=True, kw_only=True)
class Element:
    """One element of a definition; `targets` are resource types, `binding` the value set it must be from."""

    path: str
    types: tuple[str, ...]
    targets: frozenset[str]
    binding: str
    content: str
    constraints: tuple[Constraint, ...]


Codes = frozenset[tuple[str, str]]


class Definitions:
    """What `add_definitions` gives, with look-ups."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self._compiled = compiled
        self.resources = frozenset(compiled["resources"])
        self.element = cache(self._element)
        self.codes = cache(self._codes)

    def extended(self, resources: Iterable[JsonObject]) -> "Definitions":
        """Return these with the profiles, extensions, value sets and code systems among `resources`."""
        resources = list(resources)
        if not resources:
            return self
        more = add_definitions(no_definitions(), resources)
        added = ("profiles", "extensions", "value_sets", "code_systems")
        return Definitions({**self._compiled, **{key: self._compiled[key] | more[key] for key in added}})

    def child(self, base: str, name: str) -> tuple[Element, str] | None:
        """Return the element that a JSON name stands for below a path, and its type; None when there is none."""
        found = self._compiled["children"].get(base, {}).get(name)
        return (self.element(found[0]), found[1]) if found else None

    def reuses(self, path: str) -> list[list[str]]:
        """Return the steps below a path to the elements that it defines as well, e.g. `item` below `...item`."""
        found: list[list[str]] = self._compiled["reused"].get(path, [])
        return found

    def profile(self, canonical: str) -> JsonObject | None:
        """Return the differential of a profile, named with or without its version."""
        found: JsonObject | None = self._compiled["profiles"].get(_unpinned(canonical))
        return found

    def extension(self, url: str) -> JsonObject | None:
        """Return what an extension may hold; None when it is not known."""
        found: JsonObject | None = self._compiled["extensions"].get(url)
        return found

    def _element(self, path: str) -> Element:
        facts = self._compiled["elements"].get(path, {})
        return Element(
            path=path,
            types=tuple(facts.get("types", ())),
            targets=frozenset(facts.get("targets", ())),
            binding=facts.get("binding", ""),
            content=facts.get("content", ""),
            constraints=read_constraints(facts.get("constraints", ())),
        )

    def _codes(self, canonical: str, within: frozenset[str] = frozenset()) -> Codes | None:
        """Return the codes of a value set as (system, code); None when they cannot be listed offline.

        `within` are the value sets it is being listed for: one that includes itself cannot be listed.
        """
        url = _unpinned(canonical)
        compose = self._compiled["value_sets"].get(url)
        if not compose or not compose["include"] or url in within:
            return None
        included = [self._included(each, within | {url}) for each in compose["include"]]
        excluded = [self._included(each, within | {url}) for each in compose["exclude"]]
        if any(each is None for each in (*included, *excluded)):
            return None
        return frozenset().union(*filter(None, included)).difference(*filter(None, excluded))

    def _included(self, include: JsonObject, within: frozenset[str]) -> Codes | None:
        sets = [self._codes(each, within) for each in include["sets"]]
        if include["filtered"] or any(each is None for each in sets):
            return None
        own = self._of_system(include)
        if own is None:
            return None
        parts = [*([own] if include["system"] else []), *(each for each in sets if each is not None)]
        return frozenset.intersection(*parts) if parts else frozenset()

    def _of_system(self, include: JsonObject) -> Codes | None:
        system, codes = include["system"], include["codes"]
        if codes is None and system:
            codes = self._compiled["code_systems"].get(_unpinned(system))
        return frozenset((system, code) for code in codes) if codes is not None else (None if system else frozenset())


def _unpinned(canonical: str) -> str:
    return canonical.partition("|")[0]
