"""The values that an element of a profile stands for, slices included, each with its path."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_alliance.conformance.validator.findings import JsonObject


@dataclass(frozen=True, kw_only=True)
class Found:
    """A value with its path in the resource."""

    path: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One step of an element's id: the name, and the slice after a colon, e.g. `category:survey`."""

    name: str
    slice_id: str


def segments(element_id: str) -> list[Segment]:
    """Return the steps of an element's id below the resource."""
    found, at = [], element_id.partition(".")[0]
    for part in element_id.split(".")[1:]:
        at = f"{at}.{part}"
        found.append(Segment(name=part.partition(":")[0], slice_id=at if ":" in part else ""))
    return found


class Selector:
    """Selects by element ids of one profile, whose slices are told apart by what they fix.

    `reuses` gives, for a path, the steps below it whose content is defined by it: items within items.
    """

    def __init__(self, elements: Sequence[JsonObject], reuses: Callable[[str], Sequence[Sequence[str]]]) -> None:
        self._elements = {str(each["id"]): each for each in elements}
        self._reuses = reuses

    def select(self, start: Found, steps: Sequence[Segment], *, at: str = "") -> list[Found]:
        """Return what the steps lead to from `start`, which is at the path `at`; elements within themselves as well."""
        found = [start]
        for step in steps:
            at = f"{at}.{step.name}"
            found = [child for each in found for child in self.children(each, step)]
            if not step.slice_id:
                found = [each for one in found for each in self._with_inner(one, at)]
        return found

    def _with_inner(self, found: Found, at: str) -> Iterator[Found]:
        yield found
        for names in self._reuses(at):
            inner = [found]
            for name in names:
                step = Segment(name=name, slice_id="")
                inner = [child for each in inner for child in self.children(each, step)]
            for each in inner:
                yield from self._with_inner(each, at)

    def children(self, parent: Found, step: Segment) -> Iterator[Found]:
        """Yield what one step leads to: all of that name, or those in the slice."""
        if not isinstance(parent.value, Mapping):
            return
        for name in _json_names(parent.value, step):
            content = parent.value.get(name)
            several = content if isinstance(content, list) else [content]
            for index, value in enumerate(several):
                at = f"{parent.path}.{name}" + (f"[{index}]" if isinstance(content, list) else "")
                if step.name.endswith("[x]") or not step.slice_id or self._is_in(value, step.slice_id):
                    yield Found(path=at, value=value)

    def _is_in(self, value: Any, slice_id: str) -> bool:
        """Whether a value holds what tells the slice from others: of an extension its url."""
        for element_id, element in self._elements.items():
            if self._tells(element_id, slice_id):
                inside = self.select(Found(path="", value=value), segments(element_id)[len(segments(slice_id)) :])
                if not all(any(matches(each.value, *wanted) for each in inside) for wanted in _wanted(element)):
                    return False
        return True

    def _tells(self, element_id: str, slice_id: str) -> bool:
        """Whether what an element fixes tells a slice from others: it is the slice, or where its discriminators look.

        Without discriminators, all that a slice fixes does.
        """
        if element_id == slice_id:
            return True
        sliced = self._elements.get(slice_id.rpartition(":")[0], {})
        paths = [each["path"] for each in sliced.get("slicing", {}).get("discriminator", [])] or ["$this"]
        inside = [slice_id if path == "$this" else f"{slice_id}.{path}" for path in paths]
        return any(element_id == each or element_id.startswith(f"{each}.") for each in inside)


def fixed(element: JsonObject) -> list[tuple[str, Any]]:
    """Return what an element fixes, as ("fixed" or "pattern", value)."""
    return [
        (how, element[key])
        for key in element
        for how in ("fixed", "pattern")
        if key.startswith(how) and key[len(how) : len(how) + 1].isupper()
    ]


def matches(value: Any, how: str, wanted: Any) -> bool:
    """Whether a value equals what is fixed, or contains a pattern (FHIR R4, ElementDefinition.pattern)."""
    if how == "fixed":
        return bool(value == wanted)
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(matches(value.get(key), how, wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(matches(each, how, one) for each in value) for one in wanted)
    return bool(value == wanted)


def _wanted(element: JsonObject) -> Iterator[tuple[str, Any]]:
    yield from fixed(element)
    for kind in element.get("type", []):
        if kind.get("code") == "Extension":
            yield from (("pattern", {"url": url}) for url in kind.get("profile", []))


def _json_names(value: Mapping[str, Any], step: Segment) -> list[str]:
    """Return the names an element has in JSON: of a choice the one used, of a primitive also `_name`."""
    stem = step.name.removesuffix("[x]")
    if stem != step.name:
        only = step.slice_id.rpartition(":")[2]
        return [key for key in value if key.startswith(stem) and key[len(stem) :][:1].isupper() and only in ("", key)]
    return [name for name in (stem, f"_{stem}") if name in value][:1]
