"""The order and grouping in which a form asks its questions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fhir_alliance.instruments.items import Condition, Item


@dataclass(frozen=True, kw_only=True)
class Note:
    """A text between the questions, shown when all its conditions hold."""

    link_id: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group:
    """Parts under one heading; the conditions of a group are also those of everything in it."""

    link_id: str
    parts: tuple["Part", ...]


@dataclass(frozen=True, kw_only=True)
class Computed:
    """The place of a score, which nobody is shown."""

    link_id: str


Part: TypeAlias = Group | Item | Note | Computed


def questions(parts: Iterable[Part]) -> Iterator[Item]:
    """Yield every question in the order asked."""
    for part in parts:
        if isinstance(part, Item):
            yield part
        elif isinstance(part, Group):
            yield from questions(part.parts)


def group_ids(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the linkId of every group."""
    for part in parts:
        if isinstance(part, Group):
            yield part.link_id
            yield from group_ids(part.parts)


def mirrored(
    parts: Iterable[Part],
    given: Mapping[str, str],
    write: Callable[[Item | Computed], dict[str, Any] | None],
    head: Callable[[Group], dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield what was asked as items of a response, grouped as the form groups it (Q22); empty groups are left out.

    `write` makes the item of a question or of a score, None for nothing, `head` what a group's item says of itself.
    """
    for part in parts:
        if isinstance(part, Group):
            if inner := list(mirrored(part.parts, given, write, head)):
                yield {**head(part), "item": inner}
        elif not isinstance(part, Note) and _stands(part, given) and (written := write(part)):
            yield written


def _stands(part: Item | Computed, given: Mapping[str, str]) -> bool:
    return isinstance(part, Computed) or part.is_asked(given)
